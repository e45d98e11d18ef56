#include "ssmi/kernels/short_convolution.h"

#include <ATen/ops/addcmul.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "strided.h"

namespace ssmi::kernels {

at::Tensor short_convolution(const ShortConvolution& convolution,
                             std::span<const int64_t> offsets) {
  return is_fusable(convolution.x) ? short_convolution_fused(convolution, offsets)
                                   : short_convolution_reference(convolution, offsets);
}

at::Tensor short_convolution_reference(const ShortConvolution& convolution,
                                       std::span<const int64_t> offsets) {
  const auto& [x, weight, bias, left, silu, out] = convolution;
  at::Tensor y = bias.defined() ? bias.expand_as(x).clone(at::MemoryFormat::Contiguous)
                                : at::zeros(x.sizes(), x.options());
  for (int64_t k = 0; k < weight.size(2); ++k) {
    const at::Tensor tap = weight.select(2, k).select(1, 0);  // [E]
    const int64_t shift = k - left;
    for (size_t row = 0; row + 1 < offsets.size(); ++row) {
      const int64_t begin = std::max(offsets[row], offsets[row] - shift);
      const int64_t end = std::min(offsets[row + 1], offsets[row + 1] - shift);
      if (begin >= end) continue;
      y.slice(0, begin, end).addcmul_(x.slice(0, begin + shift, end + shift), tap);
    }
  }
  if (silu) at::silu_(y);
  return out.defined() ? out.copy_(y) : y;
}

}  // namespace ssmi::kernels
