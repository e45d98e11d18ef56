#include "separation.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <limits>

#include "ssmi/analysis/probe/separability.h"

namespace ssmi::probe {
namespace {

/// How a and b lie along the difference of their means.
struct Between {
  double gap;     ///< smallest product of a's points with it less the largest of b's
  double square;  ///< of the length of the difference
};

Between between(const Group& a, const Group& b) {
  double lowest = std::numeric_limits<double>::infinity(), highest = -lowest;
  double mean_a = 0, mean_b = 0;
  for (const size_t p : a.members) {
    const double product = a.products[p] - b.products[p];
    lowest = std::min(lowest, product);
    mean_a += product;
  }
  for (const size_t p : b.members) {
    const double product = a.products[p] - b.products[p];
    highest = std::max(highest, product);
    mean_b += product;
  }
  return {lowest - highest, mean_a / static_cast<double>(a.members.size()) -
                                mean_b / static_cast<double>(b.members.size())};
}

}  // namespace

Group united(const Group& a, const Group& b) {
  Group both{a.label, a.members, a.products};
  both.members.insert(both.members.end(), b.members.begin(), b.members.end());
  const double share =
      static_cast<double>(b.members.size()) / static_cast<double>(both.members.size());
  for (size_t p = 0; p < both.products.size(); ++p) {
    both.products[p] += share * (b.products[p] - a.products[p]);
  }
  return both;
}

bool Separation::separable(const Group& group, std::span<const Group> others) {
  // The difference of means is no longer than 2 radii, and rounding moves a product by less than
  // 1e-12 radius^2: a gap of this size in the products is one above the tolerance in space.
  const double enough = (2 * kSeparationTolerance + 1e-12) * radius_ * radius_;
  std::vector<std::pair<double, size_t>> open;
  for (size_t k = 0; k < others.size(); ++k) {
    if (others[k].members.empty() || others[k].label == group.label) continue;
    if (trusted_.contains(std::minmax(group.label, others[k].label))) continue;
    const Between found = between(group, others[k]);
    if (!(found.gap > enough)) open.emplace_back(found.gap / found.square, k);
  }
  // Those that reach deepest into each other are the likeliest to overlap.
  std::sort(open.begin(), open.end());
  return std::all_of(open.begin(), open.end(),
                     [&](const auto& pair) { return solve(group, others[pair.second]); });
}

bool Separation::solve(const Group& a, const Group& b) {
  ++solver_calls_;
  const Verdict verdict = separate(rows(a.members), rows(b.members), radius_).verdict;
  if (verdict == Verdict::kUndecided) ++undecided_;
  return verdict == Verdict::kSeparable;
}

at::Tensor Separation::rows(const std::vector<size_t>& members) const {
  const int64_t columns = points_.size(1);
  at::Tensor out = at::empty({static_cast<int64_t>(members.size()), columns}, at::kDouble);
  double* target = out.mutable_data_ptr<double>();
  for (const size_t p : members) {
    const double* source = points_.const_data_ptr<double>() + static_cast<int64_t>(p) * columns;
    target = std::copy_n(source, columns, target);
  }
  return out;
}

}  // namespace ssmi::probe
