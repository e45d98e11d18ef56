#include "ssmi/kernels/fft_convolution.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <map>

namespace ssmi::kernels {
namespace {

/// Rows of equal length are transformed together up to this many values. Temporaries of tens of
/// megabytes are mapped anew each time, which costs more than the transforms.
constexpr int64_t kAtOnce = 1 << 20;

/// The smallest 2^k or 3 2^k that is at least 2 tokens: nothing wraps around, and rows of all
/// lengths share a few transform lengths.
int64_t transform_length(int64_t tokens) {
  int64_t length = 2;
  while (length < 2 * tokens)
    length *= 2;
  const int64_t shorter = length / 4 * 3;
  return shorter >= 2 * tokens ? shorter : length;
}

/// Rows of one length that are transformed together.
struct Group {
  int64_t begin, end;  // tokens
  int64_t rows, length;

  int64_t tokens() const { return (end - begin) / rows; }
  /// The group's part of [S, H], as [rows, H, tokens].
  at::Tensor channels(const at::Tensor& x) const {
    return x.slice(0, begin, end).unflatten(0, {rows, tokens()}).transpose(1, 2);
  }
  /// [rows, G, H / G, length / 2 + 1]. Transforms of what lies contiguous are several times faster.
  at::Tensor spectrum(const at::Tensor& x, int64_t groups) const {
    const at::Tensor all = at::fft_rfft(channels(x).contiguous(), length);
    return all.unflatten(1, {groups, x.size(1) / groups});
  }
};

template <typename Visit>
void visit_groups(std::span<const int64_t> offsets, int64_t width, Visit visit) {
  const auto tokens_of = [&](size_t row) { return offsets[row + 1] - offsets[row]; };
  for (size_t row = 0, next = 0; row + 1 < offsets.size(); row = next) {
    const int64_t tokens = tokens_of(row), length = transform_length(tokens);
    const auto fits = [&](size_t last) {
      return static_cast<int64_t>(last - row + 1) * length * width <= kAtOnce;
    };
    do
      ++next;
    while (next + 1 < offsets.size() && tokens_of(next) == tokens && fits(next));
    if (tokens > 0)
      visit(Group{offsets[row], offsets[next], static_cast<int64_t>(next - row), length});
  }
}

/// The kernels' spectra, computed once for each transform length.
class Spectra {
 public:
  Spectra(const at::Tensor& kernels, Direction direction)
      : kernels_(kernels), direction_(direction) {}

  /// [G, 1, length / 2 + 1]. Conjugating it turns y_t = sum K_l u_{t - l} into sum K_l u_{t + l}.
  const at::Tensor& of_length(int64_t length) {
    at::Tensor& spectrum = spectra_[length];
    if (!spectrum.defined()) {
      spectrum = at::fft_rfft(kernels_.slice(1, 0, length / 2), length).unsqueeze(1);
      if (direction_ == Direction::kBackward) spectrum = spectrum.conj().resolve_conj();
    }
    return spectrum;
  }

 private:
  at::Tensor kernels_;
  Direction direction_;
  std::map<int64_t, at::Tensor> spectra_;
};

Direction opposite(Direction direction) {
  return direction == Direction::kForward ? Direction::kBackward : Direction::kForward;
}

}  // namespace

at::Tensor fft_convolution(const at::Tensor& u, const at::Tensor& kernels,
                           std::span<const int64_t> offsets, Direction direction) {
  Spectra spectra(kernels, direction);
  at::Tensor y = at::empty_like(u, {}, at::MemoryFormat::Contiguous);
  visit_groups(offsets, u.size(1), [&](const Group& group) {
    const at::Tensor product = group.spectrum(u, kernels.size(0)) * spectra.of_length(group.length);
    const at::Tensor rows = at::fft_irfft(product.flatten(1, 2), group.length);
    group.channels(y).copy_(rows.slice(2, 0, group.tokens()));
  });
  return y;
}

LongConvolutionGradients fft_convolution_backward(const at::Tensor& gradient, const at::Tensor& u,
                                                  const at::Tensor& kernels,
                                                  std::span<const int64_t> offsets,
                                                  Direction direction) {
  Spectra spectra(kernels, opposite(direction));
  at::Tensor of_u = at::empty_like(u, {}, at::MemoryFormat::Contiguous);
  std::map<int64_t, at::Tensor> correlations;  // [G, length / 2 + 1]
  visit_groups(offsets, u.size(1), [&](const Group& group) {
    const at::Tensor change = group.spectrum(gradient, kernels.size(0));
    const at::Tensor source = group.spectrum(u, kernels.size(0));
    const at::Tensor rows =
        at::fft_irfft((change * spectra.of_length(group.length)).flatten(1, 2), group.length);
    group.channels(of_u).copy_(rows.slice(2, 0, group.tokens()));
    const bool forward = direction == Direction::kForward;
    const at::Tensor correlation =
        ((forward ? change : change.conj()) * (forward ? source.conj() : source)).sum({0, 2});
    at::Tensor& sum = correlations[group.length];
    sum = sum.defined() ? sum + correlation : correlation;
  });
  at::Tensor of_kernels = at::zeros_like(kernels);
  for (const auto& [length, correlation] : correlations) {
    const int64_t taps = std::min(kernels.size(1), length / 2);
    of_kernels.slice(1, 0, taps).add_(at::fft_irfft(correlation, length).slice(1, 0, taps));
  }
  return {of_u, of_kernels};
}

}  // namespace ssmi::kernels
