#include "ssmi/kernels/state_kernel.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/expm1.h>
#include <ATen/ops/real.h>

namespace ssmi::kernels {

ModalKernels zero_order_hold(const at::Tensor& c, const at::Tensor& a, const at::Tensor& dt) {
  const at::Tensor step = dt.dim() == 1 ? dt.unsqueeze(1) : dt;  // [G, 1 or N]
  const at::Tensor log_poles = a * step;
  return {c * at::expm1(log_poles) / a, log_poles};
}

at::Tensor state_kernels(const ModalKernels& kernels, int64_t length) {
  const at::Tensor lags = at::arange(length, at::real(kernels.log_poles).options());
  const at::Tensor powers = at::exp(kernels.log_poles.unsqueeze(-1) * lags);  // [G, N, L]
  return at::real(at::einsum("gn,gnl->gl", {kernels.residues, powers})).contiguous();
}

}  // namespace ssmi::kernels
