#include "ssmi/analysis/probe/separability.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>

#include "ssmi/core/error.h"

namespace ssmi::probe {

Separability separate(const at::Tensor& a, const at::Tensor& b, double radius,
                      const NearestPoints* start) {
  NearestLimits limits;
  limits.radius = radius;
  limits.apart = limits.touching = kSeparationTolerance * radius;
  limits.relative_gap = 0;
  NearestPoints found = nearest_points(a, b, limits, start);
  const Verdict verdict = found.lower > limits.apart          ? Verdict::kSeparable
                          : found.distance <= limits.touching ? Verdict::kOverlapping
                                                              : Verdict::kUndecided;
  return {verdict, std::move(found)};
}

Centred centre(const at::Tensor& points) {
  Centred centred;
  const at::Tensor x = points.to(at::kDouble);
  if (!at::isfinite(x).all().item<bool>()) {
    bad_input("probe: a vector holds a value that is not finite");
  }
  centred.mean = x.mean(0);
  centred.points = (x - centred.mean).contiguous();
  if (x.numel() == 0) return centred;
  centred.radius = at::linalg_vector_norm(centred.points, 2, {1}).max().item<double>();
  return centred;
}

}  // namespace ssmi::probe
