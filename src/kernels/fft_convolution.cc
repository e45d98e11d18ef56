#include "ssmi/kernels/fft_convolution.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>

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

}  // namespace

at::Tensor fft_convolution(const at::Tensor& u, const at::Tensor& kernels,
                           std::span<const int64_t> offsets, Direction direction) {
  Spectra spectra(kernels, direction);
  const int64_t groups = kernels.size(0), share = u.size(1) / groups;
  at::Tensor y = at::empty_like(u, {}, at::MemoryFormat::Contiguous);
  const auto tokens_of = [&](size_t row) { return offsets[row + 1] - offsets[row]; };
  for (size_t row = 0, next = 0; row + 1 < offsets.size(); row = next) {
    const int64_t tokens = tokens_of(row), length = transform_length(tokens);
    const auto fits = [&](size_t last) {
      return static_cast<int64_t>(last - row + 1) * length * u.size(1) <= kAtOnce;
    };
    do
      ++next;
    while (next + 1 < offsets.size() && tokens_of(next) == tokens && fits(next));
    if (tokens == 0) continue;
    const auto rows = static_cast<int64_t>(next - row);
    const auto channels = [&](const at::Tensor& x) {  // [rows, H, tokens]
      return x.slice(0, offsets[row], offsets[next]).unflatten(0, {rows, tokens}).transpose(1, 2);
    };
    // Transforms of what lies contiguous are several times faster.
    const at::Tensor spectrum = at::fft_rfft(channels(u).contiguous(), length);
    const at::Tensor product = spectrum.unflatten(1, {groups, share}) * spectra.of_length(length);
    channels(y).copy_(at::fft_irfft(product.flatten(1, 2), length).slice(2, 0, tokens));
  }
  return y;
}

}  // namespace ssmi::kernels
