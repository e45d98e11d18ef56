#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "ssmi/kernels/selective_scan.h"

namespace ssmi::kernels {

/// Convolution of each row by itself with long kernels, zeros beyond the row's ends:
/// y_t = sum_l kernels[g, l] u_{t - l} (u_{t + l} for kBackward: causal in the reversed row),
/// through the Fourier transform. u [S, H], kernels [G, L]: kernel g serves the g-th of G equal
/// shares of the channels; G divides H; beyond L a kernel is zero. A skip term D u_t is D added to
/// tap 0. Rows as in selective_scan(). u and kernels are float32 or float64 alike. Returns [S, H].
at::Tensor fft_convolution(const at::Tensor& u, const at::Tensor& kernels,
                           std::span<const int64_t> offsets, Direction direction);

struct LongConvolutionGradients {
  at::Tensor u;        ///< [S, H]
  at::Tensor kernels;  ///< [G, L]
};

/// The gradients of a loss by u and the kernels, from that by y, `gradient` [S, H]: u's is the
/// convolution of `gradient` in the other direction, a kernel's the correlation of `gradient` with
/// u. Spectra are summed over rows and channels, so there is one transform back for each length.
LongConvolutionGradients fft_convolution_backward(const at::Tensor& gradient, const at::Tensor& u,
                                                  const at::Tensor& kernels,
                                                  std::span<const int64_t> offsets,
                                                  Direction direction);

}  // namespace ssmi::kernels
