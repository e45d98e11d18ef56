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

/// Those of another label that the plane between the means does not settle, the likeliest to
/// overlap first.
std::vector<size_t> Separation::unsettled(const Group& group, std::span<const Group> others) const {
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
  std::sort(open.begin(), open.end());  // by how deep they reach into each other
  std::vector<size_t> result;
  for (const auto& [depth, k] : open)
    result.push_back(k);
  return result;
}

bool Separation::separable(const Group& group, std::span<const Group> others) {
  const std::vector<size_t> open = unsettled(group, others);
  return std::all_of(open.begin(), open.end(), [&](size_t k) {
    Certificate unused;
    return solve(group, others[k], unused);
  });
}

bool Separation::can_merge(const Group& both, size_t i, size_t j, std::span<const Group> groups) {
  const bool first_is_larger = groups[i].members.size() >= groups[j].members.size();
  const auto [larger, smaller] = first_is_larger ? std::pair(i, j) : std::pair(j, i);
  std::vector<std::pair<Places, Certificate>> found;
  for (const size_t k : unsettled(both, groups)) {
    auto known = certificates_.find(std::minmax(larger, k));
    if (known == certificates_.end()) known = certificates_.find(std::minmax(smaller, k));
    Certificate certificate = known == certificates_.end() ? Certificate{} : known->second;
    if (!solve(both, groups[k], certificate)) return false;
    found.emplace_back(std::minmax(i, k), std::move(certificate));
  }
  for (size_t k = 0; k < groups.size(); ++k) {
    certificates_.erase(std::minmax(i, k));
    certificates_.erase(std::minmax(j, k));
  }
  for (auto& [places, certificate] : found)
    certificates_[places] = std::move(certificate);
  return true;
}

/// Begins with `certificate`, when it has points, and leaves the one found there.
bool Separation::solve(const Group& a, const Group& b, Certificate& certificate) {
  ++solver_calls_;
  std::vector<size_t> members = a.members;
  members.insert(members.end(), b.members.begin(), b.members.end());
  NearestPoints start;
  for (const size_t p : certificate.points) {
    start.support.push_back(std::find(members.begin(), members.end(), p) - members.begin());
  }
  start.weight = certificate.weight;
  const Separability found =
      separate(rows(a.members), rows(b.members), radius_, start.support.empty() ? nullptr : &start);
  certificate = {{}, found.certificate.weight};
  for (const int64_t row : found.certificate.support) {
    certificate.points.push_back(members[static_cast<size_t>(row)]);
  }
  if (found.verdict == Verdict::kUndecided) ++undecided_;
  return found.verdict == Verdict::kSeparable;
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
