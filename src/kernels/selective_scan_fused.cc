// Compiled once for each instruction set that Highway knows; the best one is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/selective_scan_fused.cc"
// clang-format off
#include <hwy/foreach_target.h>
// clang-format on
#include "selective_scan_fused.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>

#include "ssmi/kernels/selective_scan.h"
#include "vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ssmi::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Some channels of all rows, a vector at a time through a few tokens at a time. `a` (times log2 e)
/// and the states are [vector][N][lanes]; a vector's stay in the first cache.
class Tile {
 public:
  Tile(const ScanArguments& scan, int64_t first, int64_t last)
      : scan_(scan),
        first_(first),
        last_(last),
        vectors_((last - first + lanes() - 1) / lanes()),
        vector_size_(scan.states * lanes()),
        a_(hwy::AllocateAligned<float>(static_cast<size_t>(vectors_ * vector_size_))),
        state_(hwy::AllocateAligned<float>(static_cast<size_t>(vectors_ * vector_size_))),
        chunk_(hwy::AllocateAligned<float>(static_cast<size_t>(3 * kChunk * lanes()))) {
    float* out = a_.get();
    for (int64_t vector = first; vector < last; vector += lanes()) {
      for (int64_t n = 0; n < scan.states; ++n) {
        for (int64_t e = vector; e < vector + lanes(); ++e)
          *out++ = e < last ? kLog2E * scan.a[e * scan.states + n] : 0;
      }
    }
  }

  void run() {
    for (size_t row = 0; row < scan_.rows; ++row) {
      std::fill_n(state_.get(), vectors_ * vector_size_, 0.0F);
      const int64_t begin = scan_.offsets[row], end = scan_.offsets[row + 1];
      for (int64_t done = begin; done < end; done += kChunk) {
        const int64_t count = std::min(kChunk, end - done);
        const Tokens tokens =
            scan_.backward ? Tokens{begin + end - 1 - done, -1, count} : Tokens{done, 1, count};
        for (int64_t vector = 0; vector < vectors_; ++vector) {
          prepare(tokens, first_ + vector * lanes());
          recur(tokens, vector * vector_size_);
          finish(tokens, first_ + vector * lanes());
        }
      }
    }
  }

 private:
  using D = hn::ScalableTag<float>;
  using V = hn::Vec<D>;

  /// Tokens that all vectors are taken through before the next ones, so that the memory pages they
  /// lie in are looked up once.
  static constexpr int64_t kChunk = 32;

  struct Tokens {
    int64_t first, step, count;
    int64_t operator[](int64_t i) const { return first + i * step; }
  };

  static int64_t lanes() { return static_cast<int64_t>(hn::Lanes(D())); }

  HWY_INLINE V load(Strided<const float> x, int64_t t, int64_t channel) const {
    return load_first(D(), x.row(t) + channel, last_ - channel);
  }

  /// Puts each token's step size, its product with u and a sum of zero into the chunk.
  void prepare(Tokens tokens, int64_t channel) {
    const D d;
    const V floor = hn::Set(d, scan_.step_floor);
    float* HWY_RESTRICT chunk = chunk_.get();
    for (int64_t i = 0; i < tokens.count; ++i, chunk += 3 * lanes()) {
      V step = load(scan_.delta, tokens[i], channel);
      if (scan_.softplus) step = hn::Add(softplus(d, step), floor);
      hn::Store(step, d, chunk);
      hn::Store(hn::Mul(step, load(scan_.u, tokens[i], channel)), d, chunk + lanes());
      hn::Store(hn::Zero(d), d, chunk + 2 * lanes());
    }
  }

  /// The recurrence of a vector's states, whose outputs are added to the chunk's sums.
  void recur(Tokens tokens, int64_t at) {
    int64_t n = 0;
    for (; n + 4 <= scan_.states; n += 4)
      recur_four(tokens, at, n);
    for (; n < scan_.states; ++n)
      recur_one(tokens, at, n);
  }

  /// Four states stay in registers; their chains hide the latency of each other.
  void recur_four(Tokens tokens, int64_t at, int64_t n) {
    const D d;
    const float* HWY_RESTRICT a = a_.get() + at + n * lanes();
    float* HWY_RESTRICT state = state_.get() + at + n * lanes();
    V h0 = hn::Load(d, state), h1 = hn::Load(d, state + lanes());
    V h2 = hn::Load(d, state + 2 * lanes()), h3 = hn::Load(d, state + 3 * lanes());
    float* HWY_RESTRICT chunk = chunk_.get();
    for (int64_t i = 0; i < tokens.count; ++i, chunk += 3 * lanes()) {
      const float* HWY_RESTRICT b = scan_.b.row(tokens[i]) + n;
      const float* HWY_RESTRICT c = scan_.c.row(tokens[i]) + n;
      V y = advance(chunk, a, b[0], c[0], h0, hn::Load(d, chunk + 2 * lanes()));
      y = advance(chunk, a + lanes(), b[1], c[1], h1, y);
      y = advance(chunk, a + 2 * lanes(), b[2], c[2], h2, y);
      y = advance(chunk, a + 3 * lanes(), b[3], c[3], h3, y);
      hn::Store(y, d, chunk + 2 * lanes());
    }
    hn::Store(h0, d, state);
    hn::Store(h1, d, state + lanes());
    hn::Store(h2, d, state + 2 * lanes());
    hn::Store(h3, d, state + 3 * lanes());
  }

  void recur_one(Tokens tokens, int64_t at, int64_t n) {
    const D d;
    const float* HWY_RESTRICT a = a_.get() + at + n * lanes();
    float* HWY_RESTRICT state = state_.get() + at + n * lanes();
    V h = hn::Load(d, state);
    float* HWY_RESTRICT chunk = chunk_.get();
    for (int64_t i = 0; i < tokens.count; ++i, chunk += 3 * lanes()) {
      float* HWY_RESTRICT sum = chunk + 2 * lanes();
      const V y = advance(chunk, a, scan_.b.row(tokens[i])[n], scan_.c.row(tokens[i])[n], h,
                          hn::Load(d, sum));
      hn::Store(y, d, sum);
    }
    hn::Store(h, d, state);
  }

  /// A state's step, h <- exp(step a) h + weighted b; gives y + c h.
  static HWY_INLINE V advance(const float* HWY_RESTRICT token, const float* HWY_RESTRICT a, float b,
                              float c, V& h, V y) {
    const D d;
    const V decay = exp2(d, hn::Mul(hn::Load(d, token), hn::Load(d, a)));
    h = hn::MulAdd(decay, h, hn::Mul(hn::Load(d, token + lanes()), hn::Set(d, b)));
    return hn::MulAdd(h, hn::Set(d, c), y);
  }

  /// Stores the sums with what else goes into the output.
  void finish(Tokens tokens, int64_t channel) {
    const D d;
    const float* HWY_RESTRICT sum = chunk_.get() + 2 * lanes();
    const V skip = scan_.skip ? load(scan_.skip, 0, channel) : hn::Zero(d);
    for (int64_t i = 0; i < tokens.count; ++i, sum += 3 * lanes()) {
      const int64_t t = tokens[i];
      V y = hn::MulAdd(skip, load(scan_.u, t, channel), hn::Load(d, sum));
      if (scan_.onto) y = hn::Add(y, load(scan_.onto, t, channel));
      if (scan_.gate) y = hn::Mul(y, silu(d, load(scan_.gate, t, channel)));
      store_first(d, y, scan_.y.row(t) + channel, last_ - channel);
    }
  }

  const ScanArguments& scan_;
  int64_t first_, last_, vectors_, vector_size_;
  hwy::AlignedFreeUniquePtr<float[]> a_, state_, chunk_;
};

void scan_channels(const ScanArguments& scan, int64_t first, int64_t last) {
  Tile(scan, first, last).run();
}

}  // namespace ssmi::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ssmi::kernels {
namespace {
HWY_EXPORT(scan_channels);
}  // namespace

ScanArguments arguments_of(SelectiveScan& scan, const at::Tensor& a,
                           std::span<const int64_t> offsets, Direction direction) {
  if (scan.skip.defined()) scan.skip = scan.skip.unsqueeze(0);
  return {.u = rows_of(scan.u),
          .delta = rows_of(scan.delta),
          .b = rows_of(scan.b),
          .c = rows_of(scan.c),
          .onto = rows_of(scan.onto),
          .gate = rows_of(scan.gate),
          .skip = rows_of(scan.skip),
          .a = a.const_data_ptr<float>(),
          .y = {},
          .states = a.size(1),
          .offsets = offsets.data(),
          .rows = offsets.size() - 1,
          .backward = direction == Direction::kBackward,
          .softplus = scan.softplus,
          .step_floor = static_cast<float>(scan.step_floor)};
}

at::Tensor selective_scan_fused(SelectiveScan scan, std::span<const int64_t> offsets,
                                Direction direction) {
  const int64_t channels = scan.u.size(1);
  at::Tensor y = scan.out.defined() ? scan.out : at::empty(scan.u.sizes(), scan.u.options());
  const at::Tensor a = scan.a.contiguous();
  ScanArguments arguments = arguments_of(scan, a, offsets, direction);
  arguments.y = {y.data_ptr<float>(), y.stride(0)};
  constexpr int64_t kGrain = 32;  // channels: a pair of the widest vectors of today's processors
  at::parallel_for(0, (channels + kGrain - 1) / kGrain, 1, [&](int64_t first, int64_t last) {
    HWY_DYNAMIC_DISPATCH(scan_channels)
    (arguments, first * kGrain, std::min(last * kGrain, channels));
  });
  return y;
}

}  // namespace ssmi::kernels
#endif
