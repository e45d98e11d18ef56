#pragma once

#include <ATen/core/Tensor.h>

#include "ssmi/analysis/probe/hull.h"

namespace ssmi::probe {

/// Hulls that come closer than this share of the data's radius count as touching.
inline constexpr double kSeparationTolerance = 1e-10;

enum class Verdict {
  kSeparable,    ///< plane.p > offset on a, < offset on b, with more than the tolerance between
  kOverlapping,  ///< two convex combinations lie within the tolerance of each other
  kUndecided,    ///< rounding hides which
};

struct Separability {
  Verdict verdict;
  NearestPoints certificate;
};

/// Whether the points a [n, d] and b [m, d] (float64, contiguous, n and m at least 1) are linearly
/// separable: whether a plane leaves a gap of more than kSeparationTolerance * radius between them.
/// The gap of the best plane is the distance of the convex hulls, so that separable and overlapping
/// exclude each other. Either verdict rests on its certificate, evaluated in float64 on every
/// point: the plane, or the weights of the common point. The points should be centred. `start` as
/// for nearest_points: the certificate of parts of a and b saves most of the work.
Separability separate(const at::Tensor& a, const at::Tensor& b, double radius,
                      const NearestPoints* start = nullptr);

/// Points less their mean, and the largest length among them.
struct Centred {
  at::Tensor points;  ///< [n, d] float64, contiguous
  at::Tensor mean;    ///< [d]
  double radius = 0;
};

/// Throws Error{kBadInput} for values that are not finite. points [n, d] of any floating type.
Centred centre(const at::Tensor& points);

}  // namespace ssmi::probe
