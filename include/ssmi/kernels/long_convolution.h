#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "ssmi/kernels/fft_convolution.h"

namespace ssmi::kernels {

/// What fft_convolution() gives, the quicker way: by products with Toeplitz matrices where rows are
/// short and a kernel serves many channels, through the Fourier transform elsewhere.
at::Tensor long_convolution(const at::Tensor& u, const at::Tensor& kernels,
                            std::span<const int64_t> offsets, Direction direction);
LongConvolutionGradients long_convolution_backward(const at::Tensor& gradient, const at::Tensor& u,
                                                   const at::Tensor& kernels,
                                                   std::span<const int64_t> offsets,
                                                   Direction direction);

/// By matrix products: kernels as [T, T] matrices, of which the triangle is made use of in blocks.
/// No transform, no transposition; needs G T^2 values for rows of up to T tokens.
at::Tensor toeplitz_convolution(const at::Tensor& u, const at::Tensor& kernels,
                                std::span<const int64_t> offsets, Direction direction);
LongConvolutionGradients toeplitz_convolution_backward(const at::Tensor& gradient,
                                                       const at::Tensor& u,
                                                       const at::Tensor& kernels,
                                                       std::span<const int64_t> offsets,
                                                       Direction direction);

}  // namespace ssmi::kernels
