// Compiled once for each instruction set that Highway knows; the best one is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/ssd_fused.cc"
// clang-format off
#include <hwy/foreach_target.h>
// clang-format on
#include "ssd_fused.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>

#include "ssmi/kernels/ssd.h"
#include "vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ssmi::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Four vectors of a head's channels, over all rows. The states are [N][4][lanes]: they stay in the
/// first cache, and four chains hide the latency of each other.
class FourVectors {
 public:
  FourVectors(const DualArguments& dual, int64_t head, int64_t first, float* state)
      : dual_(dual),
        head_(head),
        first_(head * dual.width + first),
        last_((head + 1) * dual.width),
        map_(head / (dual.heads / dual.groups) * dual.states),
        state_(state) {}

  static int64_t lanes() { return static_cast<int64_t>(hn::Lanes(D())); }
  static int64_t channels() { return 4 * lanes(); }

  void run() {
    for (size_t row = 0; row < dual_.rows; ++row) {
      std::fill_n(state_, dual_.states * channels(), 0.0F);
      for (int64_t t = dual_.offsets[row]; t < dual_.offsets[row + 1]; ++t)
        run_token(t);
    }
  }

 private:
  using D = hn::ScalableTag<float>;
  using V = hn::Vec<D>;

  V load(int64_t t, int64_t vector) const {
    const int64_t channel = first_ + vector * lanes();
    return load_first(D(), dual_.x.row(t) + channel, last_ - channel);
  }

  void store(int64_t t, int64_t vector, V y, V x) const {
    const int64_t channel = first_ + vector * lanes();
    if (channel >= last_) return;
    const V sum = hn::MulAdd(hn::Set(D(), dual_.skip[head_]), x, y);
    store_first(D(), sum, dual_.y.row(t) + channel, last_ - channel);
  }

  /// A state's step, h <- decay h + input; gives y + read h.
  static HWY_INLINE V advance(V decay, V input, V read, float* HWY_RESTRICT state, V y) {
    const D d;
    const V h = hn::MulAdd(decay, hn::Load(d, state), input);
    hn::Store(h, d, state);
    return hn::MulAdd(h, read, y);
  }

  void run_token(int64_t t) {
    const D d;
    const float* b = dual_.b.row(t) + map_;
    const float* c = dual_.c.row(t) + map_;
    float* HWY_RESTRICT state = state_;
    const V delta = hn::Set(d, dual_.delta.row(t)[head_]);
    const V decay = hn::Set(d, dual_.decay.row(t)[head_]);
    const V x0 = load(t, 0), x1 = load(t, 1), x2 = load(t, 2), x3 = load(t, 3);
    const V in0 = hn::Mul(delta, x0), in1 = hn::Mul(delta, x1), in2 = hn::Mul(delta, x2),
            in3 = hn::Mul(delta, x3);
    V y0 = hn::Zero(d), y1 = hn::Zero(d), y2 = hn::Zero(d), y3 = hn::Zero(d);
    for (int64_t n = 0; n < dual_.states; ++n, state += channels()) {
      const V map = hn::Set(d, b[n]), read = hn::Set(d, c[n]);
      y0 = advance(decay, hn::Mul(in0, map), read, state, y0);
      y1 = advance(decay, hn::Mul(in1, map), read, state + lanes(), y1);
      y2 = advance(decay, hn::Mul(in2, map), read, state + 2 * lanes(), y2);
      y3 = advance(decay, hn::Mul(in3, map), read, state + 3 * lanes(), y3);
    }
    store(t, 0, y0, x0);
    store(t, 1, y1, x1);
    store(t, 2, y2, x2);
    store(t, 3, y3, x3);
  }

  const DualArguments& dual_;
  int64_t head_, first_, last_, map_;
  float* state_;
};

void run_all(const DualArguments& dual) {
  const int64_t per_head = (dual.width + FourVectors::channels() - 1) / FourVectors::channels();
  at::parallel_for(0, dual.heads * per_head, 1, [&](int64_t first, int64_t last) {
    const auto state =
        hwy::AllocateAligned<float>(static_cast<size_t>(dual.states * FourVectors::channels()));
    for (int64_t i = first; i < last; ++i)
      FourVectors(dual, i / per_head, i % per_head * FourVectors::channels(), state.get()).run();
  });
}

}  // namespace ssmi::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ssmi::kernels {
namespace {
HWY_EXPORT(run_all);
}  // namespace

at::Tensor ssd_fused(StateSpaceDual dual, std::span<const int64_t> offsets) {
  at::Tensor y = at::empty(dual.x.sizes(), dual.x.options());
  at::Tensor decay = at::exp(dual.delta * dual.a);
  const at::Tensor skip = dual.skip.contiguous();
  const int64_t heads = dual.a.size(0);
  const DualArguments arguments{.x = rows_of(dual.x),
                                .delta = rows_of(dual.delta),
                                .decay = rows_of(decay),
                                .b = rows_of(dual.b),
                                .c = rows_of(dual.c),
                                .skip = skip.const_data_ptr<float>(),
                                .y = {y.data_ptr<float>(), y.stride(0)},
                                .heads = heads,
                                .width = y.size(1) / heads,
                                .groups = dual.groups,
                                .states = dual.b.size(1) / dual.groups,
                                .offsets = offsets.data(),
                                .rows = offsets.size() - 1};
  HWY_DYNAMIC_DISPATCH(run_all)(arguments);
  return y;
}

}  // namespace ssmi::kernels
#endif
