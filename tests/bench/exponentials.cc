// Compiled once for each instruction set that Highway knows; the best one is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/exponentials.cc"
// clang-format off
#include <hwy/foreach_target.h>
// clang-format on
#include "bench/exponentials.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include "kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ssmi::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Pairs of vectors of channels [first, last), in the scan's order.
void sum_channels(const float* delta, const float* a, float* out, int64_t tokens, int64_t channels,
                  int64_t states, int64_t first, int64_t last) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto lane_a = hwy::AllocateAligned<float>(static_cast<size_t>(2 * lanes * states));
  for (int64_t channel = first; channel < last; channel += 2 * lanes) {
    for (int64_t n = 0; n < states; ++n) {
      for (int64_t lane = 0; lane < 2 * lanes; ++lane)
        lane_a[static_cast<size_t>(n * 2 * lanes + lane)] =
            kLog2E * a[(channel + lane) * states + n];
    }
    auto sum0 = hn::Zero(d), sum1 = hn::Zero(d);
    for (int64_t t = 0; t < tokens; ++t) {
      const auto step0 = hn::LoadU(d, delta + t * channels + channel);
      const auto step1 = hn::LoadU(d, delta + t * channels + channel + lanes);
      const float* HWY_RESTRICT decay = lane_a.get();
      for (int64_t n = 0; n < states; ++n, decay += 2 * lanes) {
        sum0 = hn::Add(sum0, exp2(d, hn::Mul(step0, hn::Load(d, decay))));
        sum1 = hn::Add(sum1, exp2(d, hn::Mul(step1, hn::Load(d, decay + lanes))));
      }
    }
    hn::StoreU(sum0, d, out + channel);
    hn::StoreU(sum1, d, out + channel + lanes);
  }
}

}  // namespace ssmi::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ssmi::kernels {
namespace {
HWY_EXPORT(sum_channels);
}  // namespace

namespace {
void sum_all(const at::Tensor& delta, const at::Tensor& a, at::Tensor& out) {
  constexpr int64_t kGrain = 32;
  at::parallel_for(0, a.size(0) / kGrain, 1, [&](int64_t first, int64_t last) {
    HWY_DYNAMIC_DISPATCH(sum_channels)
    (delta.const_data_ptr<float>(), a.const_data_ptr<float>(), out.data_ptr<float>(), delta.size(0),
     a.size(0), a.size(1), first * kGrain, last * kGrain);
  });
}
}  // namespace

}  // namespace ssmi::kernels

namespace ssmi::bench {

at::Tensor exponentials(const at::Tensor& delta, const at::Tensor& a) {
  at::Tensor out = at::empty({a.size(0)}, a.options());
  kernels::sum_all(delta, a, out);
  return out;
}

}  // namespace ssmi::bench
#endif
