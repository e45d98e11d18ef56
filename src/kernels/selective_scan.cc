#include "ssmi/kernels/selective_scan.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/min.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/zeros.h>

#include "selective_scan_fused.h"

namespace ssmi::kernels {

bool decays(const SelectiveScan& scan) {
  return scan.softplus || scan.delta.numel() == 0 || at::min(scan.delta).item<float>() >= 0;
}

at::Tensor selective_scan(const SelectiveScan& scan, std::span<const int64_t> offsets,
                          Direction direction) {
  return is_fusable(scan.u) && decays(scan) ? selective_scan_fused(scan, offsets, direction)
                                            : selective_scan_reference(scan, offsets, direction);
}

at::Tensor selective_scan_reference(const SelectiveScan& scan, std::span<const int64_t> offsets,
                                    Direction direction) {
  at::Tensor y = at::empty(scan.u.sizes(), scan.u.options());
  const at::Tensor delta = scan.softplus ? at::softplus(scan.delta) + scan.step_floor : scan.delta;
  const at::Tensor weighted = delta * scan.u;  // [S, E]
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    at::Tensor state = at::zeros(scan.a.sizes(), scan.a.options());  // [E, N]
    for (int64_t step = offsets[row]; step < offsets[row + 1]; ++step) {
      const int64_t t =
          direction == Direction::kForward ? step : offsets[row] + offsets[row + 1] - 1 - step;
      const at::Tensor decay = at::exp(delta[t].unsqueeze(1) * scan.a);
      state = decay * state + weighted[t].unsqueeze(1) * scan.b[t].unsqueeze(0);
      y[t].copy_(at::matmul(state, scan.c[t]));
    }
  }
  if (scan.skip.defined()) y += scan.skip * scan.u;
  if (scan.onto.defined()) y += scan.onto;
  if (scan.gate.defined()) y *= at::silu(scan.gate);
  return scan.out.defined() ? scan.out.copy_(y) : y;
}

}  // namespace ssmi::kernels
