#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>

#include <algorithm>
#include <cmath>

#include "ssmi/analysis/probe/directprobe.h"
#include "ssmi/analysis/probe/separability.h"
#include "ssmi/core/error.h"
#include "ssmi/core/progress.h"

namespace ssmi::probe {
namespace {

/// A ball around each cluster.
struct Ball {
  at::Tensor centre;  ///< [1, d]
  double radius;
};

std::vector<Ball> balls_of(const DirectProbe& probe) {
  std::vector<Ball> balls;
  for (const Cluster& cluster : probe.clusters) {
    const at::Tensor centre = cluster.points.mean(0, /*keepdim=*/true);
    const at::Tensor lengths = at::linalg_vector_norm(cluster.points - centre, 2, {1});
    balls.push_back({centre, lengths.max().item<double>()});
  }
  return balls;
}

NearestLimits limits_of(const DirectProbe& probe) {
  NearestLimits limits;
  limits.radius = probe.radius;
  limits.touching = kSeparationTolerance * probe.radius;
  return limits;
}

/// point [1, d]. Hulls are tried by the distance of their balls' centres, and each only until it
/// is known to lie further away than the best so far.
NearestHull nearest_hull(const DirectProbe& probe, const std::vector<Ball>& balls,
                         const at::Tensor& point) {
  std::vector<std::pair<double, size_t>> order;
  for (size_t c = 0; c < balls.size(); ++c) {
    order.emplace_back((point - balls[c].centre).norm().item<double>(), c);
  }
  std::sort(order.begin(), order.end());
  NearestLimits limits = limits_of(probe);
  NearestHull best;
  for (const auto& [distance, c] : order) {
    // Distances are known to 1e-9 of themselves; closer ones are ties.
    limits.apart = best.cluster < 0 ? limits.apart : best.distance * (1 + 2e-9) + limits.touching;
    if (distance - balls[c].radius > limits.apart) continue;
    const NearestPoints found = nearest_points(point, probe.clusters[c].points, limits);
    if (found.lower > limits.apart) continue;
    best.finished = best.finished && found.finished;
    const double length = found.distance <= limits.touching ? 0 : found.distance;
    const double tie = 2e-9 * length;
    const auto index = static_cast<int64_t>(c);
    if (best.cluster < 0 || length < best.distance - tie ||
        (length <= best.distance + tie && index < best.cluster)) {
      best = {probe.clusters[c].label, index, length, best.finished};
    }
  }
  return best;
}

at::Tensor in_space_of(const DirectProbe& probe, const at::Tensor& x) {
  at::Tensor points = (x.to(at::kDouble) - probe.mean).contiguous();
  if (!at::isfinite(points).all().item<bool>()) {
    bad_input("directprobe: a vector holds a value that is not finite");
  }
  return points;
}

}  // namespace

std::vector<NearestHull> predict(const DirectProbe& probe, const at::Tensor& x) {
  const at::Tensor points = in_space_of(probe, x);
  const std::vector<Ball> balls = balls_of(probe);
  std::vector<NearestHull> result(static_cast<size_t>(points.size(0)));
  at::parallel_for(0, points.size(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      check_interrupted();
      result[static_cast<size_t>(i)] = nearest_hull(probe, balls, points.narrow(0, i, 1));
    }
  });
  return result;
}

at::Tensor distances_to_hulls(const DirectProbe& probe, const at::Tensor& x) {
  const at::Tensor points = in_space_of(probe, x);
  const auto hulls = static_cast<int64_t>(probe.clusters.size());
  at::Tensor distances = at::empty({points.size(0), hulls}, at::kDouble);
  double* out = distances.mutable_data_ptr<double>();
  const NearestLimits limits = limits_of(probe);
  at::parallel_for(0, points.size(0) * hulls, 1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      check_interrupted();
      const Cluster& cluster = probe.clusters[static_cast<size_t>(k % hulls)];
      const double found =
          nearest_points(points.narrow(0, k / hulls, 1), cluster.points, limits).distance;
      out[k] = found <= limits.touching ? 0 : found;
    }
  });
  return distances;
}

HullDistances hull_distances(const DirectProbe& probe) {
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t i = 0; i < probe.clusters.size(); ++i) {
    for (size_t j = i + 1; j < probe.clusters.size(); ++j) {
      if (probe.clusters[i].label != probe.clusters[j].label) pairs.emplace_back(i, j);
    }
  }
  HullDistances result;
  result.pairs.resize(pairs.size());
  std::vector<char> finished(pairs.size());
  const NearestLimits limits = limits_of(probe);
  at::parallel_for(0, static_cast<int64_t>(pairs.size()), 1, [&](int64_t begin, int64_t end) {
    for (auto k = static_cast<size_t>(begin); k < static_cast<size_t>(end); ++k) {
      check_interrupted();
      const auto [i, j] = pairs[k];
      const NearestPoints found =
          nearest_points(probe.clusters[i].points, probe.clusters[j].points, limits);
      result.pairs[k] = {static_cast<int64_t>(i), static_cast<int64_t>(j), found.distance};
      finished[k] = found.finished;
    }
  });
  if (pairs.empty()) return result;
  result.minimum = result.maximum = result.pairs.front().distance;
  for (const auto& [first, second, distance] : result.pairs) {
    result.minimum = std::min(result.minimum, distance);
    result.maximum = std::max(result.maximum, distance);
    result.mean += distance / static_cast<double>(pairs.size());
  }
  result.unfinished = std::ranges::count(finished, 0);
  return result;
}

}  // namespace ssmi::probe
