// Compiled once for each instruction set that Highway knows; the best one is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rms_norm_fused.cc"
// clang-format off
#include <hwy/foreach_target.h>
// clang-format on
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <hwy/highway.h>

#include <cmath>

#include "rms_norm_fused.h"
#include "ssmi/kernels/rms_norm.h"
#include "vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ssmi::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// One group's channels of one token.
struct Share {
  const float* x;
  const float* gate;
  const float* weight;
  float* y;
  int64_t width;
};

/// Puts the gated values from `i` on, as far as they fill vectors, into y and adds their squares to
/// `squares`; gives the first index left.
template <class D>
HWY_INLINE int64_t gather(D d, const Share& share, int64_t i, float& squares) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  for (; i + lanes <= share.width; i += lanes) {
    auto x = hn::LoadU(d, share.x + i);
    if (share.gate != nullptr) x = hn::Mul(x, silu(d, hn::LoadU(d, share.gate + i)));
    sum = hn::MulAdd(x, x, sum);
    hn::StoreU(x, d, share.y + i);
  }
  squares += hn::GetLane(hn::SumOfLanes(d, sum));
  return i;
}

template <class D>
HWY_INLINE int64_t scale(D d, const Share& share, int64_t i, float factor) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; i + lanes <= share.width; i += lanes) {
    auto y = hn::Mul(hn::LoadU(d, share.y + i), hn::Set(d, factor));
    if (share.weight != nullptr) y = hn::Mul(y, hn::LoadU(d, share.weight + i));
    hn::StoreU(y, d, share.y + i);
  }
  return i;
}

void norm_share(const Share& share, float epsilon) {
  const hn::ScalableTag<float> wide;
  const hn::CappedTag<float, 1> narrow;
  float squares = 0;
  gather(narrow, share, gather(wide, share, 0, squares), squares);
  const float factor = 1 / std::sqrt(squares / static_cast<float>(share.width) + epsilon);
  scale(narrow, share, scale(wide, share, 0, factor), factor);
}

void norm_tokens(const NormArguments& norm, int64_t begin, int64_t end) {
  for (int64_t t = begin; t < end; ++t) {
    for (int64_t group = 0; group < norm.groups; ++group) {
      const int64_t at = group * norm.group_width;
      norm_share({norm.x.row(t) + at, norm.gate ? norm.gate.row(t) + at : nullptr,
                  norm.weight == nullptr ? nullptr : norm.weight + at, norm.y.row(t) + at,
                  norm.group_width},
                 norm.epsilon);
    }
  }
}

}  // namespace ssmi::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ssmi::kernels {
namespace {
HWY_EXPORT(norm_tokens);
}  // namespace

at::Tensor rms_norm_fused(RmsNorm norm) {
  at::Tensor y = norm.out.defined() ? norm.out : at::empty(norm.x.sizes(), norm.x.options());
  const at::Tensor weight = norm.weight.defined() ? norm.weight.contiguous() : norm.weight;
  const NormArguments arguments{
      .x = rows_of(norm.x),
      .gate = rows_of(norm.gate),
      .weight = weight.defined() ? weight.const_data_ptr<float>() : nullptr,
      .y = {y.data_ptr<float>(), y.stride(0)},
      .groups = norm.groups,
      .group_width = y.size(1) / norm.groups,
      .epsilon = static_cast<float>(norm.epsilon)};
  constexpr int64_t kGrain = 16;  // tokens
  at::parallel_for(0, y.size(0), kGrain, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(norm_tokens)(arguments, begin, end);
  });
  return y;
}

}  // namespace ssmi::kernels
#endif
