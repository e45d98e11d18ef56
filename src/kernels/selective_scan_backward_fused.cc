// Compiled once for each instruction set that Highway knows; the best one is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/selective_scan_backward_fused.cc"
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

/// The gradients by some channels' inputs. A row is gone through twice: first the states at the
/// starts of its chunks are kept, then, from the last chunk to the first, a chunk's states are
/// computed again and the gradient by them is carried back. A chunk's states, [token][N][lanes],
/// stay in the second cache; the gradients by b and c are summed over the channels in lanes, and
/// over the lanes once a chunk.
class BackwardTile {
 public:
  BackwardTile(const ScanBackwardArguments& scan, int64_t first, int64_t last, int64_t part)
      : scan_(scan),
        first_(first),
        last_(last),
        vectors_((last - first + lanes() - 1) / lanes()),
        vector_size_(scan.in.states * lanes()),
        b_sums_(scan.b + part * scan.tokens * scan.in.states),
        c_sums_(scan.c + part * scan.tokens * scan.in.states),
        a_(allocate(vectors_ * vector_size_)),
        a_change_(allocate(vectors_ * vector_size_)),
        skip_change_(allocate(vectors_ * lanes())),
        state_(allocate(vectors_ * vector_size_)),
        carried_(allocate(vectors_ * vector_size_)),
        kept_(allocate(kChunk * vector_size_)),
        decays_(allocate(kChunk * vector_size_)),
        b_change_(allocate(kChunk * vector_size_)),
        c_change_(allocate(kChunk * vector_size_)),
        chunk_(allocate(kValues * kChunk * lanes())),
        starts_(allocate((scan.longest + kChunk - 1) / kChunk * vectors_ * vector_size_)) {
    float* out = a_.get();
    for (int64_t vector = first; vector < last; vector += lanes()) {
      for (int64_t n = 0; n < scan.in.states; ++n) {
        for (int64_t e = vector; e < vector + lanes(); ++e)
          *out++ = e < last ? scan.in.a[e * scan.in.states + n] : 0;
      }
    }
    std::fill_n(a_change_.get(), vectors_ * vector_size_, 0.0F);
    std::fill_n(skip_change_.get(), vectors_ * lanes(), 0.0F);
  }

  void run() {
    for (size_t row = 0; row < scan_.in.rows; ++row) {
      const int64_t count = scan_.in.offsets[row + 1] - scan_.in.offsets[row];
      const int64_t chunks = (count + kChunk - 1) / kChunk;
      std::fill_n(state_.get(), vectors_ * vector_size_, 0.0F);
      std::fill_n(carried_.get(), vectors_ * vector_size_, 0.0F);
      for (int64_t chunk = 0; chunk < chunks; ++chunk)
        keep_start(chunk, tokens_of(row, chunk));
      for (int64_t chunk = chunks - 1; chunk >= 0; --chunk)
        go_back(chunk, tokens_of(row, chunk));
    }
    put_channel_sums();
  }

 private:
  using D = hn::ScalableTag<float>;
  using V = hn::Vec<D>;
  using Buffer = hwy::AlignedFreeUniquePtr<float[]>;

  static constexpr int64_t kChunk = 32;

  /// What a chunk holds of each token, a vector each.
  enum Value : int64_t { kStep, kInput, kU, kChange, kSum, kFed, kDecayed, kValues };

  struct Tokens {
    int64_t first, step, count;
    int64_t operator[](int64_t i) const { return first + i * step; }
  };

  static int64_t lanes() { return static_cast<int64_t>(hn::Lanes(D())); }
  static Buffer allocate(int64_t size) {
    return hwy::AllocateAligned<float>(static_cast<size_t>(size));
  }

  Tokens tokens_of(size_t row, int64_t chunk) const {
    const int64_t begin = scan_.in.offsets[row], end = scan_.in.offsets[row + 1];
    const int64_t done = chunk * kChunk, count = std::min(kChunk, end - begin - done);
    return scan_.in.backward ? Tokens{end - 1 - done, -1, count} : Tokens{begin + done, 1, count};
  }

  HWY_INLINE V load(Strided<const float> x, int64_t t, int64_t channel) const {
    return load_first(D(), x.row(t) + channel, last_ - channel);
  }
  HWY_INLINE void store(V x, Strided<float> to, int64_t t, int64_t channel) const {
    store_first(D(), x, to.row(t) + channel, last_ - channel);
  }
  HWY_INLINE float* value(int64_t i, Value which) const {
    return chunk_.get() + (i * kValues + which) * lanes();
  }
  HWY_INLINE V get(int64_t i, Value which) const { return hn::Load(D(), value(i, which)); }
  HWY_INLINE void put(V x, int64_t i, Value which) const { hn::Store(x, D(), value(i, which)); }

  void load_steps(Tokens tokens, int64_t channel) const {
    const D d;
    const V floor = hn::Set(d, scan_.in.step_floor);
    for (int64_t i = 0; i < tokens.count; ++i) {
      V step = load(scan_.in.delta, tokens[i], channel);
      if (scan_.in.softplus) step = hn::Add(softplus(d, step), floor);
      const V u = load(scan_.in.u, tokens[i], channel);
      put(step, i, kStep);
      put(u, i, kU);
      put(hn::Mul(step, u), i, kInput);
    }
  }

  /// Keeps the states that all channels have before the chunk, and takes them through it.
  void keep_start(int64_t chunk, Tokens tokens) {
    const D d;
    const int64_t size = vectors_ * vector_size_;
    std::copy_n(state_.get(), size, starts_.get() + chunk * size);
    for (int64_t vector = 0; vector < vectors_; ++vector) {
      load_steps(tokens, first_ + vector * lanes());
      for (int64_t n = 0; n < scan_.in.states; ++n) {
        const int64_t at = vector * vector_size_ + n * lanes();
        const V a = hn::Mul(hn::Load(d, a_.get() + at), hn::Set(d, kLog2E));
        V h = hn::Load(d, state_.get() + at);
        for (int64_t i = 0; i < tokens.count; ++i) {
          const V decay = exp2(d, hn::Mul(get(i, kStep), a));
          const V b = hn::Set(d, scan_.in.b.row(tokens[i])[n]);
          h = hn::MulAdd(decay, h, hn::Mul(get(i, kInput), b));
        }
        hn::Store(h, d, state_.get() + at);
      }
    }
  }

  void go_back(int64_t chunk, Tokens tokens) {
    std::fill_n(b_change_.get(), tokens.count * vector_size_, 0.0F);
    std::fill_n(c_change_.get(), tokens.count * vector_size_, 0.0F);
    for (int64_t vector = 0; vector < vectors_; ++vector) {
      const int64_t channel = first_ + vector * lanes();
      load_steps(tokens, channel);
      load_changes(tokens, channel);
      for (int64_t n = 0; n < scan_.in.states; ++n)
        recompute(tokens, chunk, vector, n);
      open_gate(tokens, channel);
      for (int64_t n = 0; n < scan_.in.states; ++n)
        carry_back(tokens, vector, n);
      finish(tokens, vector);
    }
    put_map_sums(tokens);
  }

  /// The gradient by what the gate multiplies.
  void load_changes(Tokens tokens, int64_t channel) const {
    const D d;
    for (int64_t i = 0; i < tokens.count; ++i) {
      V change = load(scan_.gradient, tokens[i], channel);
      if (scan_.in.gate) change = hn::Mul(change, silu(d, load(scan_.in.gate, tokens[i], channel)));
      put(change, i, kChange);
      put(hn::Zero(d), i, kSum);
      put(hn::Zero(d), i, kFed);
      put(hn::Zero(d), i, kDecayed);
    }
  }

  /// A chunk's states and what is left in them of the ones before.
  void recompute(Tokens tokens, int64_t chunk, int64_t vector, int64_t n) {
    const D d;
    const int64_t at = vector * vector_size_ + n * lanes();
    const V a = hn::Mul(hn::Load(d, a_.get() + at), hn::Set(d, kLog2E));
    V h = hn::Load(d, starts_.get() + chunk * vectors_ * vector_size_ + at);
    for (int64_t i = 0; i < tokens.count; ++i) {
      const V decay = exp2(d, hn::Mul(get(i, kStep), a));
      const V b = hn::Set(d, scan_.in.b.row(tokens[i])[n]);
      const V c = hn::Set(d, scan_.in.c.row(tokens[i])[n]);
      const int64_t here = i * vector_size_ + n * lanes();
      const V left = hn::Mul(decay, h);
      hn::Store(left, d, kept_.get() + here);
      hn::Store(decay, d, decays_.get() + here);
      h = hn::MulAdd(get(i, kInput), b, left);
      put(hn::MulAdd(c, h, get(i, kSum)), i, kSum);
      float* HWY_RESTRICT c_change = c_change_.get() + here;
      hn::Store(hn::MulAdd(get(i, kChange), h, hn::Load(d, c_change)), d, c_change);
    }
  }

  /// The gradient by the gate, for which the sums over states are needed.
  void open_gate(Tokens tokens, int64_t channel) const {
    if (!scan_.in.gate) return;
    const D d;
    const V one = hn::Set(d, 1.0F);
    const V skip = scan_.in.skip ? load(scan_.in.skip, 0, channel) : hn::Zero(d);
    for (int64_t i = 0; i < tokens.count; ++i) {
      const int64_t t = tokens[i];
      V sum = hn::MulAdd(skip, get(i, kU), get(i, kSum));
      if (scan_.in.onto) sum = hn::Add(sum, load(scan_.in.onto, t, channel));
      const V gate = load(scan_.in.gate, t, channel);
      const V open = sigmoid(d, gate);
      const V slope = hn::Mul(open, hn::MulAdd(gate, hn::Sub(one, open), one));
      store(hn::Mul(hn::Mul(load(scan_.gradient, t, channel), sum), slope), scan_.gate, t, channel);
    }
  }

  void carry_back(Tokens tokens, int64_t vector, int64_t n) {
    const D d;
    const int64_t at = vector * vector_size_ + n * lanes();
    const V a = hn::Load(d, a_.get() + at);
    V carried = hn::Load(d, carried_.get() + at);
    V a_change = hn::Load(d, a_change_.get() + at);
    for (int64_t i = tokens.count - 1; i >= 0; --i) {
      const V b = hn::Set(d, scan_.in.b.row(tokens[i])[n]);
      const V c = hn::Set(d, scan_.in.c.row(tokens[i])[n]);
      const int64_t here = i * vector_size_ + n * lanes();
      const V by_state = hn::MulAdd(c, get(i, kChange), carried);
      const V by_exponent = hn::Mul(by_state, hn::Load(d, kept_.get() + here));
      a_change = hn::MulAdd(by_exponent, get(i, kStep), a_change);
      put(hn::MulAdd(by_exponent, a, get(i, kDecayed)), i, kDecayed);
      put(hn::MulAdd(by_state, b, get(i, kFed)), i, kFed);
      float* HWY_RESTRICT b_change = b_change_.get() + here;
      hn::Store(hn::MulAdd(by_state, get(i, kInput), hn::Load(d, b_change)), d, b_change);
      carried = hn::Mul(by_state, hn::Load(d, decays_.get() + here));
    }
    hn::Store(carried, d, carried_.get() + at);
    hn::Store(a_change, d, a_change_.get() + at);
  }

  /// The gradients by u and delta.
  void finish(Tokens tokens, int64_t vector) {
    const D d;
    const int64_t channel = first_ + vector * lanes();
    const V skip = scan_.in.skip ? load(scan_.in.skip, 0, channel) : hn::Zero(d);
    V skip_change = hn::Load(d, skip_change_.get() + vector * lanes());
    for (int64_t i = 0; i < tokens.count; ++i) {
      const int64_t t = tokens[i];
      const V u = get(i, kU), fed = get(i, kFed), change = get(i, kChange);
      store(hn::MulAdd(change, skip, hn::Mul(fed, get(i, kStep))), scan_.u, t, channel);
      V by_step = hn::MulAdd(fed, u, get(i, kDecayed));
      if (scan_.in.softplus)
        by_step = hn::Mul(by_step, sigmoid(d, load(scan_.in.delta, t, channel)));
      store(by_step, scan_.delta, t, channel);
      if (scan_.onto) store(change, scan_.onto, t, channel);
      skip_change = hn::MulAdd(change, u, skip_change);
    }
    hn::Store(skip_change, d, skip_change_.get() + vector * lanes());
  }

  void put_map_sums(Tokens tokens) const {
    const D d;
    for (int64_t i = 0; i < tokens.count; ++i) {
      for (int64_t n = 0; n < scan_.in.states; ++n) {
        const int64_t here = i * vector_size_ + n * lanes();
        const int64_t to = tokens[i] * scan_.in.states + n;
        b_sums_[to] = hn::GetLane(hn::SumOfLanes(d, hn::Load(d, b_change_.get() + here)));
        c_sums_[to] = hn::GetLane(hn::SumOfLanes(d, hn::Load(d, c_change_.get() + here)));
      }
    }
  }

  void put_channel_sums() const {
    for (int64_t e = first_; e < last_; ++e) {
      const int64_t vector = (e - first_) / lanes(), lane = (e - first_) % lanes();
      for (int64_t n = 0; n < scan_.in.states; ++n)
        scan_.a[e * scan_.in.states + n] =
            a_change_[static_cast<size_t>(vector * vector_size_ + n * lanes() + lane)];
      if (scan_.skip != nullptr)
        scan_.skip[e] = skip_change_[static_cast<size_t>(vector * lanes() + lane)];
    }
  }

  const ScanBackwardArguments& scan_;
  int64_t first_, last_, vectors_, vector_size_;
  float *b_sums_, *c_sums_;
  Buffer a_, a_change_, skip_change_, state_, carried_;  // [vector][N][lanes]
  Buffer kept_, decays_, b_change_, c_change_;           // [token][N][lanes]
  Buffer chunk_;                                         // [token][value][lanes]
  Buffer starts_;                                        // [chunk][vector][N][lanes]
};

void scan_channels_back(const ScanBackwardArguments& scan, int64_t first, int64_t last,
                        int64_t part) {
  BackwardTile(scan, first, last, part).run();
}

}  // namespace ssmi::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ssmi::kernels {
namespace {
HWY_EXPORT(scan_channels_back);

int64_t longest_of(std::span<const int64_t> offsets) {
  int64_t longest = 0;
  for (size_t row = 0; row + 1 < offsets.size(); ++row)
    longest = std::max(longest, offsets[row + 1] - offsets[row]);
  return longest;
}

at::Tensor empty_like_if(const at::Tensor& x) {
  return x.defined() ? at::empty(x.sizes(), x.options()) : at::Tensor();
}

Strided<float> written_rows(const at::Tensor& x) {
  return x.defined() ? Strided<float>{x.data_ptr<float>(), x.stride(0)} : Strided<float>{};
}

}  // namespace

SelectiveScanGradients selective_scan_backward_fused(at::Tensor gradient, SelectiveScan scan,
                                                     std::span<const int64_t> offsets,
                                                     Direction direction) {
  constexpr int64_t kGrain = 32;  // channels, as in the forward kernel
  const int64_t tokens = scan.u.size(0), channels = scan.u.size(1), states = scan.a.size(1);
  const int64_t grains = (channels + kGrain - 1) / kGrain;
  const int64_t parts = std::min<int64_t>(at::get_num_threads(), grains);
  SelectiveScanGradients result{.u = empty_like_if(scan.u),
                                .delta = empty_like_if(scan.delta),
                                .a = at::empty({channels, states}, scan.a.options()),
                                .b = at::empty({parts, tokens, states}, scan.b.options()),
                                .c = at::empty({parts, tokens, states}, scan.c.options()),
                                .skip = empty_like_if(scan.skip),
                                .onto = empty_like_if(scan.onto),
                                .gate = empty_like_if(scan.gate)};
  const at::Tensor a = scan.a.contiguous();
  const ScanBackwardArguments arguments{
      .in = arguments_of(scan, a, offsets, direction),
      .gradient = rows_of(gradient),
      .u = written_rows(result.u),
      .delta = written_rows(result.delta),
      .onto = written_rows(result.onto),
      .gate = written_rows(result.gate),
      .a = result.a.data_ptr<float>(),
      .b = result.b.data_ptr<float>(),
      .c = result.c.data_ptr<float>(),
      .skip = scan.skip.defined() ? result.skip.data_ptr<float>() : nullptr,
      .tokens = tokens,
      .longest = longest_of(offsets)};
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      const int64_t first = part * grains / parts * kGrain;
      const int64_t last = std::min((part + 1) * grains / parts * kGrain, channels);
      HWY_DYNAMIC_DISPATCH(scan_channels_back)(arguments, first, last, part);
    }
  });
  result.b = result.b.sum(0);
  result.c = result.c.sum(0);
  return result;
}

}  // namespace ssmi::kernels
#endif
