// Functions on vectors, compiled once for each instruction set (see selective_scan_fused.cc), hence
// no ordinary include guard.
#if defined(SSMI_KERNELS_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SSMI_KERNELS_VECTOR_MATH_INL_H_
#undef SSMI_KERNELS_VECTOR_MATH_INL_H_
#else
#define SSMI_KERNELS_VECTOR_MATH_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <array>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace ssmi::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr float kLog2E = 1.44269504F;

/// 2^x for x <= 127, to a relative error of 1e-7; 2^-126 for what is below that. The exponent's
/// bits are those of x rounded to an integer; of the rest, in [-1/2, 1/2], a minimax polynomial of
/// the sixth degree.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2(D d, V x) {
  const hn::RebindToSigned<D> integers;
  const V rounder = hn::Set(d, 12582912.0F);  // 1.5 * 2^23: the sum has no fraction
  x = hn::Max(x, hn::Set(d, -126.0F));
  const V shifted = hn::Add(x, rounder);
  const V rest = hn::Sub(x, hn::Sub(shifted, rounder));
  V p = hn::Set(d, 1.5353362e-4F);
  p = hn::MulAdd(p, rest, hn::Set(d, 1.3398875e-3F));
  p = hn::MulAdd(p, rest, hn::Set(d, 9.6184369e-3F));
  p = hn::MulAdd(p, rest, hn::Set(d, 5.5503324e-2F));
  p = hn::MulAdd(p, rest, hn::Set(d, 2.4022648e-1F));
  p = hn::MulAdd(p, rest, hn::Set(d, 6.9314718e-1F));
  p = hn::MulAdd(p, rest, hn::Set(d, 1.0F));
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(integers, shifted));
  return hn::BitCast(d, hn::Add(hn::BitCast(integers, p), exponent));
}

/// 1 + exp(-x).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V one_and_exp(D d, V x) {
  const V exponent = hn::Min(hn::Mul(x, hn::Set(d, -kLog2E)), hn::Set(d, 126.0F));
  return hn::Add(hn::Set(d, 1.0F), exp2(d, exponent));
}

/// 1 / (1 + exp(-x)).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V sigmoid(D d, V x) {
  return hn::Div(hn::Set(d, 1.0F), one_and_exp(d, x));
}

/// x / (1 + exp(-x)).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V silu(D d, V x) {
  return hn::Div(x, one_and_exp(d, x));
}

/// log(1 + exp(x)).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V softplus(D d, V x) {
  const V tail = exp2(d, hn::Mul(hn::Abs(x), hn::Set(d, -kLog2E)));
  return hn::Add(hn::Max(x, hn::Zero(d)), hn::Log1p(d, tail));
}

/// The first `count` values at `from`, zeros in the other lanes.
template <class D>
HWY_INLINE hn::Vec<D> load_first(D d, const float* from, int64_t count) {
  if (count >= static_cast<int64_t>(hn::Lanes(d))) return hn::LoadU(d, from);
  HWY_ALIGN std::array<float, hn::MaxLanes(D())> lanes{};
  for (int64_t i = 0; i < count; ++i)
    lanes[static_cast<size_t>(i)] = from[i];
  return hn::Load(d, lanes.data());
}

/// Stores the first `count` lanes.
template <class D>
HWY_INLINE void store_first(D d, hn::Vec<D> x, float* to, int64_t count) {
  if (count >= static_cast<int64_t>(hn::Lanes(d))) return hn::StoreU(x, d, to);
  HWY_ALIGN std::array<float, hn::MaxLanes(D())> lanes;
  hn::Store(x, d, lanes.data());
  for (int64_t i = 0; i < count; ++i)
    to[i] = lanes[static_cast<size_t>(i)];
}

}  // namespace ssmi::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
