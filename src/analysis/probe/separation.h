#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace ssmi::probe {

/// Points of one label, and the product of their mean with every point.
struct Group {
  int64_t label = 0;
  std::vector<size_t> members;
  std::vector<double> products;
};

/// a and b as one group.
Group united(const Group& a, const Group& b);

/// Says whether groups of different labels are separable: by the plane between their means, which
/// the products check on every point without touching the vectors, else by the exact solver.
class Separation {
 public:
  /// points [n, d] float64, centred, within `radius` of the origin; must outlive the object.
  Separation(const at::Tensor& points, double radius) : points_(points), radius_(radius) {}

  /// Groups of these labels are known to be separable.
  void trust(int64_t label, int64_t other) { trusted_.insert(std::minmax(label, other)); }
  /// Whether `group` is separable from each of `others` that has another label.
  bool separable(const Group& group, std::span<const Group> others);
  bool separable(const Group& a, const Group& b) { return separable(a, std::span(&b, 1)); }
  /// The same for `both`, the union of groups[i] and groups[j], which takes place i when the answer
  /// is yes. Certificates are kept by place: the search for one of a union begins with its part's.
  bool can_merge(const Group& both, size_t i, size_t j, std::span<const Group> groups);

  int64_t solver_calls() const { return solver_calls_; }
  int64_t undecided() const { return undecided_; }

 private:
  using Places = std::pair<size_t, size_t>;
  /// Weights of the nearest points found of two groups.
  struct Certificate {
    std::vector<size_t> points;
    std::vector<double> weight;
  };

  std::vector<size_t> unsettled(const Group& group, std::span<const Group> others) const;
  bool solve(const Group& a, const Group& b, Certificate& certificate);
  at::Tensor rows(const std::vector<size_t>& members) const;

  const at::Tensor& points_;
  double radius_;
  std::set<std::pair<int64_t, int64_t>> trusted_;
  std::map<Places, Certificate> certificates_;
  int64_t solver_calls_ = 0, undecided_ = 0;
};

}  // namespace ssmi::probe
