#include "ssmi/analysis/probe/directprobe.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "agglomerate.h"
#include "separation.h"
#include "ssmi/analysis/probe/separability.h"
#include "ssmi/core/error.h"
#include "ssmi/core/progress.h"
#include "ssmi/core/random.h"
#include "vector.h"

namespace ssmi::probe {
namespace {

using Merge = std::pair<size_t, size_t>;

/// The points that take part. Clusters are named by their smallest point.
struct Task {
  at::Tensor points;  ///< [n, d]
  double radius;
  std::vector<int64_t> labels;
  std::vector<size_t> original;  ///< index in the caller's points

  size_t size() const { return labels.size(); }
  size_t columns() const { return static_cast<size_t>(points.size(1)); }
  const double* row(size_t i) const { return points.const_data_ptr<double>() + i * columns(); }
};

/// A state of the merging.
struct State {
  Means means;
  std::vector<std::vector<size_t>> members;  ///< empty: merged into another

  explicit State(const Task& task) {
    means.columns = task.columns();
    for (size_t i = 0; i < task.size(); ++i) {
      means.mean.emplace_back(task.row(i), task.row(i) + task.columns());
      means.size.push_back(1);
      members.push_back({i});
    }
  }

  void merge(size_t i, size_t j) {
    means.merge(i, j);
    members[i].insert(members[i].end(), members[j].begin(), members[j].end());
    members[j].clear();
  }
};

/// Which points have one of another label within `tolerance`. Such points are close in any
/// direction, so that only neighbours along one direction are compared.
std::vector<char> conflicts(const at::Tensor& points, std::span<const int64_t> labels,
                            double tolerance) {
  const auto n = labels.size(), d = static_cast<size_t>(points.size(1));
  Random random(0, "conflicts");
  std::vector<double> direction(d);
  for (double& value : direction)
    value = random.normal();
  const double length = std::sqrt(dot(direction.data(), direction.data(), d));
  const double* data = points.const_data_ptr<double>();
  std::vector<std::pair<double, size_t>> order;
  for (size_t i = 0; i < n; ++i) {
    order.emplace_back(dot(data + i * d, direction.data(), d) / length, i);
  }
  std::sort(order.begin(), order.end());

  std::vector<char> conflicting(n, 0);
  for (size_t a = 0; a < n; ++a) {
    const auto [place, i] = order[a];
    for (size_t b = a + 1; b < n && order[b].first - place <= 2 * tolerance; ++b) {
      const size_t j = order[b].second;
      if (labels[i] == labels[j] || (conflicting[i] && conflicting[j])) continue;
      double square = 0;
      for (size_t k = 0; k < d; ++k) {
        const double difference = data[i * d + k] - data[j * d + k];
        square += difference * difference;
      }
      if (std::sqrt(square) <= tolerance) conflicting[i] = conflicting[j] = 1;
    }
  }
  return conflicting;
}

Task task_of(const Centred& all, std::span<const int64_t> labels) {
  const auto left_out = conflicts(all.points, labels, kSeparationTolerance * all.radius);
  Task task;
  task.radius = all.radius;
  const int64_t columns = all.points.size(1);
  for (size_t i = 0; i < labels.size(); ++i) {
    if (left_out[i]) continue;
    task.original.push_back(i);
    task.labels.push_back(labels[i]);
  }
  task.points = at::empty({static_cast<int64_t>(task.size()), columns}, at::kDouble);
  double* target = task.points.mutable_data_ptr<double>();
  for (const size_t i : task.original) {
    const double* source = all.points.const_data_ptr<double>() + static_cast<int64_t>(i) * columns;
    target = std::copy_n(source, columns, target);
  }
  return task;
}

/// Merging by label: the closest pair of all labels.
class Merging {
 public:
  Merging(const Task& task, const State& state) {
    std::map<int64_t, std::vector<size_t>> clusters;
    for (size_t i = 0; i < task.size(); ++i) {
      if (!state.members[i].empty()) clusters[task.labels[i]].push_back(i);
    }
    for (auto& [label, own] : clusters)
      parts_.emplace_back(state.means, std::move(own));
  }

  std::optional<Merge> closest() {
    std::optional<Agglomerate::Pair> best;
    for (Agglomerate& part : parts_) {
      const auto candidate = part.closest();
      if (!candidate || (best && !(*candidate < *best))) continue;
      best = pair_ = candidate;
      part_ = &part;
    }
    if (!best) return std::nullopt;
    return Merge(best->i, best->j);
  }
  /// What becomes of the pair that closest() gave.
  void forbid() { part_->forbid(*pair_); }
  void merged() { part_->merge(*pair_); }

 private:
  std::vector<Agglomerate> parts_;
  std::optional<Agglomerate::Pair> pair_;
  Agglomerate* part_ = nullptr;
};

/// All merges without any check, down to one cluster a label.
std::vector<Merge> merge_to_the_end(const Task& task) {
  State state(task);
  Merging merging(task, state);
  std::vector<Merge> merges;
  while (const auto pair = merging.closest()) {
    check_interrupted();
    state.merge(pair->first, pair->second);
    merging.merged();
    merges.push_back(*pair);
  }
  return merges;
}

State state_after(const Task& task, std::span<const Merge> merges) {
  State state(task);
  for (const auto& [i, j] : merges)
    state.merge(i, j);
  return state;
}

/// The clusters of a state, numbered as there.
std::vector<Group> groups_of(const Task& task, const State& state) {
  const auto n = static_cast<int64_t>(task.size()), d = static_cast<int64_t>(task.columns());
  std::vector<size_t> alive;
  for (size_t i = 0; i < task.size(); ++i) {
    if (!state.members[i].empty()) alive.push_back(i);
  }
  std::vector<Group> groups(task.size());
  constexpr size_t kBlock = 256;
  for (size_t begin = 0; begin < alive.size(); begin += kBlock) {
    const size_t end = std::min(begin + kBlock, alive.size());
    at::Tensor means = at::empty({static_cast<int64_t>(end - begin), d}, at::kDouble);
    double* target = means.mutable_data_ptr<double>();
    for (size_t k = begin; k < end; ++k) {
      target = std::copy_n(state.means.mean[alive[k]].data(), d, target);
    }
    const at::Tensor products = at::mm(means, task.points.t());  // [block, n]
    const double* row = products.const_data_ptr<double>();
    for (size_t k = begin; k < end; ++k, row += n) {
      const size_t i = alive[k];
      groups[i] = {task.labels[i], state.members[i], std::vector<double>(row, row + n)};
    }
  }
  return groups;
}

/// Whether all clusters of different labels are separable.
bool is_separable(Separation& separation, std::vector<Group> groups) {
  // Large clusters first: they are the likeliest to overlap.
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return a.members.size() > b.members.size();
  });
  const std::span<const Group> all(groups);
  for (size_t i = 0; i < all.size() && !all[i].members.empty(); ++i) {
    check_interrupted();
    if (!separation.separable(all[i], all.subspan(i + 1))) return false;
  }
  return true;
}

/// Looks at one cluster a label. Whether all are separable; those that are will be trusted, since
/// their parts are separable too.
bool trust_separable_labels(Separation& separation, const std::vector<Group>& groups) {
  bool all = true;
  for (const Group& a : groups) {
    for (const Group& b : groups) {
      if (a.members.empty() || b.members.empty() || a.label >= b.label) continue;
      const bool separable = separation.separable(a, b);
      if (separable) separation.trust(a.label, b.label);
      all = all && separable;
    }
  }
  return all;
}

/// The number of merges up to the last state whose clusters are all separable. Clusters only grow,
/// so that no state after a bad one is good.
size_t last_good_state(const Task& task, std::span<const Merge> merges, Separation& separation) {
  if (trust_separable_labels(separation, groups_of(task, state_after(task, merges)))) {
    return merges.size();
  }
  size_t good = 0, bad = merges.size();
  while (bad - good > 1) {
    const size_t middle = good + (bad - good) / 2;
    const State state = state_after(task, merges.first(middle));
    (is_separable(separation, groups_of(task, state)) ? good : bad) = middle;
  }
  return good;
}

/// Goes on merging with a check a merge; gives the number of merges accepted.
int64_t merge_with_checks(const Task& task, State& state, Separation& separation) {
  std::vector<Group> groups = groups_of(task, state);
  Merging merging(task, state);
  int64_t accepted = 0;
  while (const auto pair = merging.closest()) {
    check_interrupted();
    const auto [i, j] = *pair;
    Group both = united(groups[i], groups[j]);
    if (!separation.can_merge(both, i, j, groups)) {
      merging.forbid();
      continue;
    }
    groups[i] = std::move(both);
    groups[j] = {};
    state.merge(i, j);
    merging.merged();
    ++accepted;
  }
  return accepted;
}

void write_clusters(const Task& task, State& state, DirectProbe& probe) {
  const int64_t d = task.points.size(1);
  for (auto& members : state.members) {
    if (members.empty()) continue;
    std::sort(members.begin(), members.end());
    Cluster cluster;
    cluster.label = task.labels[members.front()];
    cluster.points = at::empty({static_cast<int64_t>(members.size()), d}, at::kDouble);
    double* target = cluster.points.mutable_data_ptr<double>();
    for (const size_t i : members) {
      const size_t original = task.original[i];
      cluster.members.push_back(static_cast<int64_t>(original));
      probe.cluster[original] = static_cast<int64_t>(probe.clusters.size());
      target = std::copy_n(task.row(i), d, target);
    }
    probe.clusters.push_back(std::move(cluster));
  }
}

}  // namespace

DirectProbe fit_direct_probe(const at::Tensor& x, std::span<const int64_t> labels) {
  if (x.size(0) != static_cast<int64_t>(labels.size())) {
    bad_input("directprobe: {} labels for {} points, expected as many", labels.size(), x.size(0));
  }
  const Centred all = centre(x);
  const Task task = task_of(all, labels);
  DirectProbe probe;
  probe.cluster.assign(labels.size(), -1);
  probe.mean = all.mean;
  probe.radius = all.radius;
  probe.conflicting = static_cast<int64_t>(labels.size() - task.size());

  const std::vector<Merge> merges = merge_to_the_end(task);
  Separation separation(task.points, task.radius);
  const size_t good = last_good_state(task, merges, separation);
  State state = state_after(task, std::span(merges).first(good));
  probe.merges = static_cast<int64_t>(good);
  if (good < merges.size()) {
    probe.first_bad_merge = static_cast<int64_t>(good);
    probe.merges += merge_with_checks(task, state, separation);
  }
  write_clusters(task, state, probe);
  probe.solver_calls = separation.solver_calls();
  probe.undecided = separation.undecided();
  return probe;
}

double relative_capacity(int64_t n, int64_t d) {
  return static_cast<double>(n) / (2.0 * static_cast<double>(d + 1));
}

}  // namespace ssmi::probe
