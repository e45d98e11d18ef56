#include "ssmi/kernels/rms_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>

#include "strided.h"

namespace ssmi::kernels {

at::Tensor rms_norm(const RmsNorm& norm) {
  return is_fusable(norm.x) ? rms_norm_fused(norm) : rms_norm_reference(norm);
}

at::Tensor rms_norm_reference(const RmsNorm& norm) {
  const at::Tensor gated = norm.gate.defined() ? norm.x * at::silu(norm.gate) : norm.x;
  const at::Tensor shares = gated.unflatten(1, {norm.groups, gated.size(1) / norm.groups});
  at::Tensor y = (shares * at::rsqrt((shares * shares).mean(-1, true) + norm.epsilon)).flatten(1);
  if (norm.weight.defined()) y = y * norm.weight;
  return norm.out.defined() ? norm.out.copy_(y) : y;
}

}  // namespace ssmi::kernels
