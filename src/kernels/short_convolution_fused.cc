// Compiled once for each instruction set that Highway knows; the best one is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/short_convolution_fused.cc"
// clang-format off
#include <hwy/foreach_target.h>
// clang-format on
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <hwy/highway.h>

#include <algorithm>

#include "short_convolution_fused.h"
#include "ssmi/kernels/short_convolution.h"
#include "vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ssmi::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// The channels from `channel` on, as far as they fill vectors, of a token that reads taps
/// [first, last); gives the first channel left.
template <class D>
int64_t convolve(D d, const ConvolutionArguments& c, int64_t t, int64_t first, int64_t last,
                 int64_t channel) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; channel + lanes <= c.channels; channel += lanes) {
    auto y = c.bias == nullptr ? hn::Zero(d) : hn::LoadU(d, c.bias + channel);
    for (int64_t k = first; k < last; ++k) {
      const auto x = hn::LoadU(d, c.x.row(t + k - c.left) + channel);
      y = hn::MulAdd(hn::LoadU(d, c.weight + k * c.channels + channel), x, y);
    }
    hn::StoreU(c.silu ? silu(d, y) : y, d, c.y.row(t) + channel);
  }
  return channel;
}

void convolve_tokens(const ConvolutionArguments& c, int64_t begin, int64_t end) {
  size_t row = 0;
  for (int64_t t = begin; t < end; ++t) {
    while (c.offsets[row + 1] <= t)
      ++row;
    const int64_t first = std::max(c.left - (t - c.offsets[row]), int64_t{0});
    const int64_t last = std::min(c.left + c.offsets[row + 1] - t, c.width);
    const int64_t left = convolve(hn::ScalableTag<float>(), c, t, first, last, 0);
    convolve(hn::CappedTag<float, 1>(), c, t, first, last, left);
  }
}

}  // namespace ssmi::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ssmi::kernels {
namespace {
HWY_EXPORT(convolve_tokens);
}  // namespace

at::Tensor short_convolution_fused(ShortConvolution convolution, std::span<const int64_t> offsets) {
  const at::Tensor& x = convolution.x;
  at::Tensor y = convolution.out.defined() ? convolution.out : at::empty(x.sizes(), x.options());
  const at::Tensor taps = convolution.weight.squeeze(1).t().contiguous();  // [K, E]
  const at::Tensor bias =
      convolution.bias.defined() ? convolution.bias.contiguous() : convolution.bias;
  const ConvolutionArguments arguments{
      .x = rows_of(convolution.x),
      .weight = taps.const_data_ptr<float>(),
      .bias = bias.defined() ? bias.const_data_ptr<float>() : nullptr,
      .y = {y.data_ptr<float>(), y.stride(0)},
      .channels = y.size(1),
      .width = taps.size(0),
      .left = convolution.left,
      .offsets = offsets.data(),
      .silu = convolution.silu};
  constexpr int64_t kGrain = 16;  // tokens
  at::parallel_for(0, y.size(0), kGrain, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(convolve_tokens)(arguments, begin, end);
  });
  return y;
}

}  // namespace ssmi::kernels
#endif
