#include "ssmi/kernels/short_convolution.h"

#include <ATen/ops/addcmul.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace ssmi::kernels {

at::Tensor short_convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                             int64_t left, std::span<const int64_t> offsets) {
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
  return y;
}

}  // namespace ssmi::kernels
