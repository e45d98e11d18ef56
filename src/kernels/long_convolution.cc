#include "ssmi/kernels/long_convolution.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace ssmi::kernels {
namespace {

constexpr int64_t kBlock = 64;  // tokens whose sums are one product

int64_t longest_of(std::span<const int64_t> offsets) {
  int64_t longest = 0;
  for (size_t row = 0; row + 1 < offsets.size(); ++row)
    longest = std::max(longest, offsets[row + 1] - offsets[row]);
  return longest;
}

/// Kernels [G, L] as [G, T, T] with kernels[i - j] at (i, j), zeros where i < j or i - j >= L. The
/// first rows and columns are the matrix of shorter rows.
at::Tensor toeplitz(const at::Tensor& kernels, int64_t tokens) {
  const int64_t taps = std::min(kernels.size(1), tokens);
  // Windows of T .. 1, 0, 0 .. are the matrix's rows from the last one up.
  const at::Tensor reversed = kernels.slice(1, 0, taps).flip(1);
  return at::constant_pad_nd(reversed, {tokens - taps, tokens - 1}).unfold(1, tokens, 1).flip(1);
}

/// The transpose of toeplitz() as a map: sums along the diagonals of [G, T, T] below and including
/// the first, [G, T].
at::Tensor diagonal_sums(const at::Tensor& matrices) {
  const int64_t count = matrices.size(0), tokens = matrices.size(1);
  // Columns reversed, rows padded to 2 T and laid out anew 2 T - 1 wide: diagonals are columns.
  const at::Tensor padded = at::constant_pad_nd(matrices.flip(2), {0, tokens}).flatten(1);
  const at::Tensor sheared =
      padded.slice(1, 0, tokens * (2 * tokens - 1)).view({count, tokens, 2 * tokens - 1});
  return sheared.sum(1).slice(1, tokens - 1);
}

/// Calls visit(kernel, first token, tokens) for each row and kernel.
template <typename Visit>
void visit_shares(std::span<const int64_t> offsets, int64_t kernels, Visit visit) {
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    if (offsets[row] == offsets[row + 1]) continue;
    for (int64_t g = 0; g < kernels; ++g)
      visit(g, offsets[row], offsets[row + 1] - offsets[row]);
  }
}

/// Tokens [begin, begin + count) of the channels that kernel g of `kernels` serves, a view.
at::Tensor share(const at::Tensor& x, int64_t kernels, int64_t g, int64_t begin, int64_t count) {
  const int64_t width = x.size(1) / kernels;
  return x.narrow(0, begin, count).narrow(1, g * width, width);
}

bool suits_products(const at::Tensor& u, const at::Tensor& kernels,
                    std::span<const int64_t> offsets) {
  constexpr int64_t kLongest = 512, kNarrowest = 16;
  const int64_t longest = longest_of(offsets);
  return longest > 0 && longest <= kLongest && u.size(1) >= kNarrowest * kernels.size(0);
}

}  // namespace

at::Tensor long_convolution(const at::Tensor& u, const at::Tensor& kernels,
                            std::span<const int64_t> offsets, Direction direction) {
  return suits_products(u, kernels, offsets) ? toeplitz_convolution(u, kernels, offsets, direction)
                                             : fft_convolution(u, kernels, offsets, direction);
}

LongConvolutionGradients long_convolution_backward(const at::Tensor& gradient, const at::Tensor& u,
                                                   const at::Tensor& kernels,
                                                   std::span<const int64_t> offsets,
                                                   Direction direction) {
  return suits_products(u, kernels, offsets)
             ? toeplitz_convolution_backward(gradient, u, kernels, offsets, direction)
             : fft_convolution_backward(gradient, u, kernels, offsets, direction);
}

at::Tensor toeplitz_convolution(const at::Tensor& u, const at::Tensor& kernels,
                                std::span<const int64_t> offsets, Direction direction) {
  at::Tensor y = at::empty(u.sizes(), u.options());
  const at::Tensor matrices = toeplitz(kernels, longest_of(offsets));
  const int64_t count = kernels.size(0);
  visit_shares(offsets, count, [&](int64_t g, int64_t begin, int64_t tokens) {
    const at::Tensor in = share(u, count, g, begin, tokens);
    at::Tensor out = share(y, count, g, begin, tokens);
    for (int64_t first = 0; first < tokens; first += kBlock) {
      const int64_t last = std::min(first + kBlock, tokens);
      at::Tensor block = out.slice(0, first, last);
      if (direction == Direction::kForward) {
        at::mm_out(block, matrices[g].slice(0, first, last).slice(1, 0, last),
                   in.slice(0, 0, last));
      } else {
        at::mm_out(block, matrices[g].slice(1, first, last).slice(0, first, tokens).t(),
                   in.slice(0, first));
      }
    }
  });
  return y;
}

LongConvolutionGradients toeplitz_convolution_backward(const at::Tensor& gradient,
                                                       const at::Tensor& u,
                                                       const at::Tensor& kernels,
                                                       std::span<const int64_t> offsets,
                                                       Direction direction) {
  const bool forward = direction == Direction::kForward;
  const int64_t count = kernels.size(0), longest = longest_of(offsets);
  // By tap l: the sum of what is l apart, the later of u and y with the earlier of the other.
  const at::Tensor &later = forward ? gradient : u, &earlier = forward ? u : gradient;
  at::Tensor products = at::zeros({count, longest, longest}, u.options());
  visit_shares(offsets, count, [&](int64_t g, int64_t begin, int64_t tokens) {
    const at::Tensor left = share(later, count, g, begin, tokens);
    const at::Tensor right = share(earlier, count, g, begin, tokens);
    for (int64_t first = 0; first < tokens; first += kBlock) {
      const int64_t last = std::min(first + kBlock, tokens);
      at::Tensor block = products[g].slice(0, first, last).slice(1, 0, last);
      at::addmm_out(block, block, left.slice(0, first, last), right.slice(0, 0, last).t());
    }
  });
  at::Tensor of_kernels = at::zeros(kernels.sizes(), kernels.options());
  const int64_t taps = std::min(kernels.size(1), longest);
  of_kernels.slice(1, 0, taps).copy_(diagonal_sums(products).slice(1, 0, taps));
  return {toeplitz_convolution(gradient, kernels, offsets,
                               forward ? Direction::kBackward : Direction::kForward),
          of_kernels};
}

}  // namespace ssmi::kernels
