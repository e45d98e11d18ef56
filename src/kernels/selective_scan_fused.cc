// Compiled once for each instruction set that Highway knows; the best one is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/selective_scan_fused.cc"
// clang-format off
#include <hwy/foreach_target.h>
// clang-format on
#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <hwy/aligned_allocator.h>
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <vector>

#include "ssmi/kernels/selective_scan.h"

HWY_BEFORE_NAMESPACE();
namespace ssmi::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// One row of one block of channels: `lanes` channels from `channel` on.
struct RowBlock {
  const float* u;
  const float* delta;
  const float* b;
  const float* c;
  float* y;
  int64_t begin, end;  // tokens
  int64_t channels, states;
  int64_t channel;
  bool backward;
};

/// Lanes are channels; `a` and `state` hold [N][lanes], small enough to stay in the first cache.
template <class D>
HWY_INLINE void scan_row(D d, const RowBlock& block, const float* HWY_RESTRICT a,
                         float* HWY_RESTRICT state) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  std::fill_n(state, block.states * lanes, 0.0F);
  for (int64_t step = block.begin; step < block.end; ++step) {
    const int64_t t = block.backward ? block.begin + block.end - 1 - step : step;
    const int64_t at = t * block.channels + block.channel;
    const auto delta = hn::LoadU(d, block.delta + at);
    const auto weighted = hn::Mul(delta, hn::LoadU(d, block.u + at));
    const float* b = block.b + t * block.states;
    const float* c = block.c + t * block.states;
    auto y = hn::Zero(d);
    for (int64_t n = 0; n < block.states; ++n) {
      const auto decay = hn::Exp(d, hn::Mul(delta, hn::Load(d, a + n * lanes)));
      const auto input = hn::Mul(weighted, hn::Set(d, b[n]));
      const auto h = hn::MulAdd(decay, hn::Load(d, state + n * lanes), input);
      hn::Store(h, d, state + n * lanes);
      y = hn::MulAdd(h, hn::Set(d, c[n]), y);
    }
    hn::StoreU(y, d, block.y + at);
  }
}

template <class D>
void scan_block(D d, const float* a, RowBlock block, const int64_t* offsets, size_t rows) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto size = static_cast<size_t>(block.states * lanes);
  const auto lane_a = hwy::AllocateAligned<float>(size);
  const auto state = hwy::AllocateAligned<float>(size);
  for (int64_t n = 0; n < block.states; ++n) {
    for (int64_t lane = 0; lane < lanes; ++lane) {
      lane_a[static_cast<size_t>(n * lanes + lane)] = a[(block.channel + lane) * block.states + n];
    }
  }
  for (size_t row = 0; row < rows; ++row) {
    block.begin = offsets[row];
    block.end = offsets[row + 1];
    scan_row(d, block, lane_a.get(), state.get());
  }
}

/// Channels [first, last) of all rows: whole vectors, then one lane at a time.
void scan_channels(const float* a, RowBlock block, const int64_t* offsets, size_t rows,
                   int64_t first, int64_t last) {
  const hn::ScalableTag<float> wide;
  const hn::CappedTag<float, 1> narrow;
  const auto lanes = static_cast<int64_t>(hn::Lanes(wide));
  for (block.channel = first; block.channel + lanes <= last; block.channel += lanes) {
    scan_block(wide, a, block, offsets, rows);
  }
  for (; block.channel < last; ++block.channel)
    scan_block(narrow, a, block, offsets, rows);
}

void scan(const float* u, const float* delta, const float* a, const float* b, const float* c,
          float* y, int64_t channels, int64_t states, const int64_t* offsets, size_t rows,
          bool backward) {
  const RowBlock block{u, delta, b, c, y, 0, 0, channels, states, 0, backward};
  constexpr int64_t kGrain = 16;  // channels: the widest vector of today's processors
  at::parallel_for(0, (channels + kGrain - 1) / kGrain, 1, [&](int64_t first, int64_t last) {
    scan_channels(a, block, offsets, rows, first * kGrain, std::min(last * kGrain, channels));
  });
}

}  // namespace ssmi::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ssmi::kernels {

HWY_EXPORT(scan);

at::Tensor selective_scan_fused(const SelectiveScan& scan, std::span<const int64_t> offsets,
                                Direction direction) {
  at::Tensor y = at::empty_like(scan.u);
  HWY_DYNAMIC_DISPATCH(scan)
  (scan.u.const_data_ptr<float>(), scan.delta.const_data_ptr<float>(),
   scan.a.const_data_ptr<float>(), scan.b.const_data_ptr<float>(), scan.c.const_data_ptr<float>(),
   y.data_ptr<float>(), scan.u.size(1), scan.a.size(1), offsets.data(), offsets.size() - 1,
   direction == Direction::kBackward);
  return y;
}

}  // namespace ssmi::kernels
#endif
