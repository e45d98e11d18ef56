#include "ssmi/kernels/fft_convolution.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>

#include <map>

namespace ssmi::kernels {
namespace {

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

  /// [length / 2 + 1, G, 1]. Conjugating it turns y_t = sum K_l u_{t - l} into sum K_l u_{t + l}.
  const at::Tensor& of_length(int64_t length) {
    at::Tensor& spectrum = spectra_[length];
    if (!spectrum.defined()) {
      spectrum = at::fft_rfft(kernels_.slice(1, 0, length / 2), length).t().unsqueeze(-1);
      if (direction_ == Direction::kBackward) spectrum = spectrum.conj();
      spectrum = spectrum.resolve_conj().contiguous();
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
    do
      ++next;
    while (next + 1 < offsets.size() && tokens_of(next) == tokens_of(row));  // as one batch
    const auto rows = static_cast<int64_t>(next - row);
    const int64_t tokens = tokens_of(row), length = transform_length(tokens);
    if (tokens == 0) continue;
    const auto part = [&](const at::Tensor& x) {
      return x.slice(0, offsets[row], offsets[next]).unflatten(0, {rows, tokens});
    };
    const at::Tensor spectrum = at::fft_rfft(part(u), length, 1);  // [rows, length / 2 + 1, H]
    const at::Tensor product = spectrum.unflatten(2, {groups, share}) * spectra.of_length(length);
    part(y).copy_(at::fft_irfft(product.flatten(2), length, 1).slice(1, 0, tokens));
  }
  return y;
}

}  // namespace ssmi::kernels
