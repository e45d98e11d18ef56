#include "ssmi/kernels/selective_scan.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>

namespace ssmi::kernels {

at::Tensor selective_scan(const SelectiveScan& scan, std::span<const int64_t> offsets,
                          Direction direction) {
  const bool fused = scan.u.is_cpu() && scan.u.scalar_type() == at::kFloat;
  if (!fused) return selective_scan_reference(scan, offsets, direction);
  return selective_scan_fused({scan.u.contiguous(), scan.delta.contiguous(), scan.a.contiguous(),
                               scan.b.contiguous(), scan.c.contiguous()},
                              offsets, direction);
}

at::Tensor selective_scan_reference(const SelectiveScan& scan, std::span<const int64_t> offsets,
                                    Direction direction) {
  at::Tensor y = at::empty_like(scan.u);
  const at::Tensor weighted = scan.delta * scan.u;  // [S, E]
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    at::Tensor state = at::zeros(scan.a.sizes(), scan.a.options());  // [E, N]
    for (int64_t step = offsets[row]; step < offsets[row + 1]; ++step) {
      const int64_t t =
          direction == Direction::kForward ? step : offsets[row] + offsets[row + 1] - 1 - step;
      const at::Tensor decay = at::exp(scan.delta[t].unsqueeze(1) * scan.a);
      state = decay * state + weighted[t].unsqueeze(1) * scan.b[t].unsqueeze(0);
      y[t].copy_(at::matmul(state, scan.c[t]));
    }
  }
  return y;
}

}  // namespace ssmi::kernels
