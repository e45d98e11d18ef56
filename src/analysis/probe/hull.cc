#include "ssmi/analysis/probe/hull.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "affine.h"
#include "ssmi/core/progress.h"
#include "vector.h"

namespace ssmi::probe {
namespace {

/// The points of both hulls in one numbering.
struct Points {
  const double* a;
  const double* b;
  size_t first, count, columns;  ///< rows of a, rows of both, d

  const double* row(size_t i) const {
    return i < first ? a + i * columns : b + (i - first) * columns;
  }
  Side side(size_t i) const { return i < first ? kFirst : kSecond; }
  double sign(size_t i) const { return i < first ? 1.0 : -1.0; }
};

/// A difference of two convex combinations and what it says of every point.
struct Difference {
  std::vector<double> vector;    ///< [d]
  std::vector<double> product;   ///< of each signed point with `vector`
  std::array<double, 2> lowest;  ///< of `product` on each side
  std::array<size_t, 2> where;
  double length = 0;

  void evaluate(const Points& points) {
    length = std::sqrt(dot(vector.data(), vector.data(), points.columns));
    lowest.fill(std::numeric_limits<double>::infinity());
    product.resize(points.count);
    const auto multiply = [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
        product[i] = points.sign(i) * dot(points.row(i), vector.data(), points.columns);
    };
    constexpr int64_t kGrain = 1 << 17;  // of numbers: fewer are not worth waking a thread for
    at::parallel_for(0, static_cast<int64_t>(points.count),
                     kGrain / static_cast<int64_t>(points.columns) + 1, multiply);
    for (size_t i = 0; i < points.count; ++i) {
      const Side side = points.side(i);
      if (product[i] < lowest[side]) {
        lowest[side] = product[i];
        where[side] = i;
      }
    }
  }
};

/// What has been found so far, over all precisions.
class Search {
 public:
  Search(const Points& points, const NearestLimits& limits) : points_(points), limits_(limits) {
    difference_.vector.resize(points.columns);
  }

  const Points& points() const { return points_; }
  const NearestLimits& limits() const { return limits_; }
  const Difference& difference() const { return difference_; }
  const std::vector<size_t>& support() const { return support_; }
  const std::vector<double>& weight() const { return weight_; }

  /// Starts from the points that lie closest along the difference of the means.
  void start() {
    const std::array<double, 2> share = {1.0 / static_cast<double>(points_.first),
                                         1.0 / static_cast<double>(points_.count - points_.first)};
    for (size_t i = 0; i < points_.count; ++i) {
      subtract_scaled(difference_.vector.data(), -points_.sign(i) * share[points_.side(i)],
                      points_.row(i), points_.columns);
    }
    evaluate();
    std::vector<double> weight = {1, 1};
    combine({difference_.where[kFirst], difference_.where[kSecond]}, weight);
  }

  void start(const NearestPoints& from) {
    std::vector<double> weight = from.weight;
    combine({from.support.begin(), from.support.end()}, weight);
  }

  /// Takes these weights, scaled to sums of one. The difference is summed in Scalar: its direction
  /// must be known well even where it is many orders shorter than the points.
  template <typename Scalar>
  void combine(const std::vector<size_t>& support, std::vector<Scalar>& weight) {
    std::array<Scalar, 2> sum = {0.0, 0.0};
    for (size_t k = 0; k < support.size(); ++k)
      sum[points_.side(support[k])] += weight[k];
    std::vector<Scalar> difference(points_.columns, 0.0);
    for (size_t k = 0; k < support.size(); ++k) {
      const size_t i = support[k];
      weight[k] = weight[k] / sum[points_.side(i)];
      subtract_scaled(difference.data(), Scalar(-points_.sign(i)) * weight[k], points_.row(i),
                      points_.columns);
    }
    const auto rounded = [](const Scalar& value) { return static_cast<double>(value); };
    std::transform(difference.begin(), difference.end(), difference_.vector.begin(), rounded);
    support_ = support;
    weight_.resize(weight.size());
    std::transform(weight.begin(), weight.end(), weight_.begin(), rounded);
    evaluate();
  }

  bool apart() const { return lower_ > limits_.apart; }
  bool finished() const {
    const double length = difference_.length;
    return apart() || length <= std::max(limits_.touching, 1e-14 * limits_.radius) ||
           length - lower_ <= std::max(limits_.relative_gap * length, 1e-13 * limits_.radius);
  }

  /// Whether the bounds moved since the last call by more than rounding.
  bool improved() {
    const double least = 1e-12 * difference_.length + 1e-15 * limits_.radius;
    const bool better = difference_.length < seen_length_ - least || lower_ > seen_lower_ + least;
    seen_length_ = std::min(seen_length_, difference_.length);
    seen_lower_ = std::max(seen_lower_, lower_);
    return better;
  }

  NearestPoints result() {
    NearestPoints found;
    found.support.assign(support_.begin(), support_.end());
    found.weight = weight_;
    found.distance = difference_.length;
    found.finished = finished();
    found.lower = std::min(lower_, found.distance);  // rounding may cross them
    found.plane = std::move(plane_);
    found.offset = offset_;
    return found;
  }

 private:
  void evaluate() {
    difference_.evaluate(points_);
    const double length = difference_.length;
    if (!(length > 0)) return;
    const double lower = (difference_.lowest[kFirst] + difference_.lowest[kSecond]) / length;
    if (!(lower > lower_)) return;
    lower_ = lower;
    plane_ = difference_.vector;
    for (double& value : plane_)
      value /= length;
    offset_ = 0.5 * (difference_.lowest[kFirst] - difference_.lowest[kSecond]) / length;
  }

  const Points& points_;
  const NearestLimits& limits_;
  Difference difference_;
  std::vector<size_t> support_;
  std::vector<double> weight_;
  std::vector<double> plane_;
  double lower_ = 0, offset_ = 0;
  double seen_length_ = std::numeric_limits<double>::infinity(), seen_lower_ = 0;
};

template <typename Scalar>
class ActiveSet {
 public:
  ActiveSet(Search& search, double floor)
      : search_(search),
        points_(search.points()),
        lift_(search.limits().radius > 0 ? search.limits().radius * search.limits().radius : 1.0),
        factor_(floor) {}

  /// Goes on from the support in `search` until a limit is met or nothing improves any more.
  void run() {
    if (!adopt_support()) return;
    search_.combine(support_, weight_);
    search_.improved();
    for (int idle = 0; !search_.finished() && idle < 4;) {
      check_interrupted();
      add_violators();
      minimise();
      search_.combine(support_, weight_);
      idle = search_.improved() ? 0 : idle + 1;
    }
  }

 private:
  bool append(size_t i, Scalar weight) {
    const auto entry = [&](size_t j) {
      const Scalar value = product<Scalar>(points_.row(i), points_.row(j), points_.columns);
      return points_.side(i) == points_.side(j) ? value + Scalar(lift_) : -value;
    };
    std::vector<Scalar> row;
    row.reserve(support_.size() + 1);
    for (const size_t j : support_)
      row.push_back(entry(j));
    row.push_back(entry(i));
    if (!factor_.append(std::move(row), points_.side(i))) return false;
    support_.push_back(i);
    weight_.push_back(weight);
    return true;
  }

  bool adopt_support() {
    for (size_t k = 0; k < search_.support().size(); ++k) {
      if (!append(search_.support()[k], search_.weight()[k])) return false;
    }
    return true;
  }

  /// Adds the points that fall farthest short of the support's own level, as far as they are
  /// affinely independent of it; with weight zero.
  void add_violators() {
    const std::vector<double>& product = search_.difference().product;
    std::array<double, 2> level = {0, 0};
    for (size_t k = 0; k < support_.size(); ++k) {
      const size_t i = support_[k];
      level[points_.side(i)] += search_.weight()[k] * product[i];
    }
    const auto shortfall = [&](size_t i) { return level[points_.side(i)] - product[i]; };
    double largest = 0;
    for (size_t i = 0; i < points_.count; ++i)
      largest = std::max(largest, shortfall(i));
    std::vector<std::pair<double, size_t>> candidates;
    for (size_t i = 0; i < points_.count; ++i) {
      if (shortfall(i) > 0.1 * largest) candidates.emplace_back(-shortfall(i), i);
    }
    std::sort(candidates.begin(), candidates.end());
    const size_t wanted = support_.size() + 4 + support_.size() / 8;
    for (const auto& [negative, i] : candidates) {
      if (support_.size() == wanted) break;
      append(i, 0.0);
    }
  }

  /// Moves to the support's affine minimiser, dropping points whose weight would turn negative.
  void minimise() {
    std::vector<double> products;
    for (const size_t i : support_)
      products.push_back(search_.difference().product[i]);
    while (true) {
      const auto step = factor_.solve(products);
      const auto change = [&](size_t k) { return static_cast<double>(step.change[k]); };
      const auto weight = [&](size_t k) { return static_cast<double>(weight_[k]); };
      if (drop([&](size_t k) { return weight(k) == 0 && change(k) <= 0; }, products)) continue;
      double length = 1;
      for (size_t k = 0; k < support_.size(); ++k) {
        if (change(k) < 0) length = std::min(length, -weight(k) / change(k));
      }
      for (size_t k = 0; k < support_.size(); ++k) {
        const bool emptied = length < 1 && change(k) < 0 && -weight(k) / change(k) <= length;
        weight_[k] = emptied ? Scalar(0.0) : weight_[k] + Scalar(length) * step.change[k];
        const double level = step.level[points_.side(support_[k])];
        products[k] = (1 - length) * products[k] + length * level;
      }
      if (length == 1) return;
      drop([&](size_t k) { return weight(k) == 0; }, products);
    }
  }

  template <typename Condition>
  bool drop(Condition condition, std::vector<double>& products) {
    std::vector<size_t> leaving;
    for (size_t k = 0; k < support_.size(); ++k) {
      if (condition(k)) leaving.push_back(k);
    }
    for (auto k = leaving.rbegin(); k != leaving.rend(); ++k) {
      const auto at = static_cast<std::ptrdiff_t>(*k);
      factor_.remove(*k);
      support_.erase(support_.begin() + at);
      weight_.erase(weight_.begin() + at);
      products.erase(products.begin() + at);
    }
    return !leaving.empty();
  }

  Search& search_;
  const Points& points_;
  double lift_;
  AffineFactor<Scalar> factor_;
  std::vector<size_t> support_;
  std::vector<Scalar> weight_;
};

}  // namespace

NearestPoints nearest_points(const at::Tensor& a, const at::Tensor& b, const NearestLimits& limits,
                             const NearestPoints* start) {
  const Points points{a.const_data_ptr<double>(), b.const_data_ptr<double>(),
                      static_cast<size_t>(a.size(0)), static_cast<size_t>(a.size(0) + b.size(0)),
                      static_cast<size_t>(a.size(1))};
  Search search(points, limits);
  start != nullptr ? search.start(*start) : search.start();
  // Flatter supports than these cannot be told from dependent ones in the respective precision.
  if (!search.finished()) ActiveSet<double>(search, 1e-12).run();
  if (!search.finished()) ActiveSet<DoubleDouble>(search, 1e-28).run();
  return search.result();
}

}  // namespace ssmi::probe
