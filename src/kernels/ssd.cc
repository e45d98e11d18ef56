#include "ssmi/kernels/ssd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>

#include "strided.h"

namespace ssmi::kernels {

at::Tensor ssd(const StateSpaceDual& input, std::span<const int64_t> offsets) {
  return is_fusable(input.x) ? ssd_fused(input, offsets) : ssd_reference(input, offsets);
}

at::Tensor ssd_reference(const StateSpaceDual& input, std::span<const int64_t> offsets) {
  const int64_t tokens = input.x.size(0), heads = input.a.size(0);
  const int64_t width = input.x.size(1) / heads, states = input.b.size(1) / input.groups;
  const at::Tensor x = input.x.unflatten(1, {heads, width});
  const auto by_head = [&](const at::Tensor& map) {  // [S, G N] -> [S, H, N]
    return map.unflatten(1, {input.groups, states}).repeat_interleave(heads / input.groups, 1);
  };
  const at::Tensor b = by_head(input.b), c = by_head(input.c);
  const at::Tensor decay = at::exp(input.delta * input.a);   // [S, H]
  const at::Tensor weighted = input.delta.unsqueeze(2) * x;  // [S, H, P]
  at::Tensor y = at::empty({tokens, heads, width}, x.options());
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    at::Tensor state = at::zeros({heads, width, states}, x.options());
    for (int64_t t = offsets[row]; t < offsets[row + 1]; ++t) {
      state =
          decay[t].unsqueeze(1).unsqueeze(2) * state + weighted[t].unsqueeze(2) * b[t].unsqueeze(1);
      y[t].copy_(at::matmul(state, c[t].unsqueeze(2)).squeeze(2));
    }
  }
  return (y + input.skip.unsqueeze(1) * x).flatten(1);
}

}  // namespace ssmi::kernels
