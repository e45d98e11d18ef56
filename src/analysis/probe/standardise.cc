#include "standardise.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>

namespace ssmi::probe {

Standardise::Standardise(const at::Tensor& rows) : mean_(rows.mean(0, /*keepdim=*/true)) {
  const at::Tensor centred = rows - mean_;
  const at::Tensor deviation = (centred * centred).mean(0, /*keepdim=*/true).sqrt();
  const at::Tensor constant = deviation <= 1e-12 * mean_.abs();
  deviation_ = at::where(constant, at::ones_like(deviation), deviation);
}

at::Tensor Standardise::operator()(const at::Tensor& rows) const {
  return (rows - mean_) / deviation_;
}

}  // namespace ssmi::probe
