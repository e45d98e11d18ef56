#include "ssmi/kernels/short_convolution.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <utility>

#include "strided.h"

namespace ssmi::kernels {
namespace {

/// The tokens [begin, end) of a row for which the one `shift` further on is in the row, too.
std::pair<int64_t, int64_t> within(int64_t begin, int64_t end, int64_t shift) {
  return {std::max(begin, begin - shift), std::min(end, end - shift)};
}

}  // namespace

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
      const auto [begin, end] = within(offsets[row], offsets[row + 1], shift);
      if (begin >= end) continue;
      y.slice(0, begin, end).addcmul_(x.slice(0, begin + shift, end + shift), tap);
    }
  }
  if (silu) at::silu_(y);
  return out.defined() ? out.copy_(y) : y;
}

ShortConvolutionGradients short_convolution_backward(const at::Tensor& gradient,
                                                     const ShortConvolution& convolution,
                                                     std::span<const int64_t> offsets) {
  const auto& [x, weight, bias, left, silu, out] = convolution;
  const int64_t width = weight.size(2);
  at::Tensor change = gradient;  // of what comes before the SiLU
  if (silu) {
    change = at::silu_backward(gradient, short_convolution({x, weight, bias, left}, offsets));
  }
  ShortConvolutionGradients result{
      .x = short_convolution({change, weight.flip(2), {}, width - 1 - left}, offsets),
      .weight = at::zeros_like(weight),
      .bias = bias.defined() ? change.sum(0) : at::Tensor()};
  for (int64_t k = 0; k < width; ++k) {
    for (size_t row = 0; row + 1 < offsets.size(); ++row) {
      const auto [begin, end] = within(offsets[row], offsets[row + 1], k - left);
      if (begin >= end) continue;
      const at::Tensor source = x.slice(0, begin + k - left, end + k - left);
      result.weight.select(2, k).select(1, 0).add_((change.slice(0, begin, end) * source).sum(0));
    }
  }
  return result;
}

}  // namespace ssmi::kernels
