#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <limits>
#include <vector>

namespace ssmi::probe {

/// When the search for nearest points may stop. Lengths are in the units of the points.
struct NearestLimits {
  double radius = 0;  ///< of the data: what rounding is measured by
  /// Stop as soon as the hulls are known to lie further apart than this.
  double apart = std::numeric_limits<double>::infinity();
  /// Stop as soon as two points no further apart than this, or 1e-14 radius, are found.
  double touching = 0;
  /// Stop when the distance is known to this share of itself, or to 1e-13 radius.
  double relative_gap = 1e-9;
};

/// Nearest points of two convex hulls, as convex combinations, and how good they are.
struct NearestPoints {
  std::vector<int64_t> support;  ///< rows of a, then rows of b counted from a's number of rows
  std::vector<double> weight;    ///< of the support; non-negative, sums to one over either hull
  double distance = 0;           ///< of the two combinations: an upper bound
  /// A lower bound: (min over a of plane.p - max over b of plane.q), checked on every point; not
  /// positive where no separating plane was met.
  double lower = 0;
  std::vector<double> plane;  ///< [d] the unit normal that gives `lower`
  double offset = 0;          ///< plane.p > offset on a, < offset on b, halfway, where lower > 0
  bool finished = false;      ///< one of the limits was met; else rounding forbade to go on
};

/// Nearest points of the convex hulls of a [n, d] and b [m, d], float64, contiguous, n and m at
/// least 1. An active-set method: the support's affine minimiser by an updated Cholesky factor,
/// points that violate optimality added, points of weight zero dropped (Wolfe 1976, for two hulls).
/// Differences and bounds are evaluated on the points themselves, never through their products, so
/// that distances far below sqrt(1e-16) of the radius are seen; where the support is too flat for
/// float64 the factor is kept in twice the precision. The points should be centred: the bounds are
/// good to a few roundings of the radius. The search begins with the combination of `start`, whose
/// support and weight must be as NearestPoints describes them, where given. Throws
/// Error{kInterrupted}.
NearestPoints nearest_points(const at::Tensor& a, const at::Tensor& b, const NearestLimits& limits,
                             const NearestPoints* start = nullptr);

}  // namespace ssmi::probe
