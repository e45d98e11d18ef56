#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace ssmi::kernels {

/// A depthwise convolution of rows laid end to end, each by itself, with zeros beyond its ends.
struct ShortConvolution {
  at::Tensor x;       ///< [S, E]
  at::Tensor weight;  ///< [E, 1, K]
  at::Tensor bias;    ///< [E] or undefined
  int64_t left;       ///< zeros before a row: K - 1 makes it causal
  bool silu = false;  ///< the result goes through SiLU
  at::Tensor out{};   ///< [S, E] to write to, or undefined; not x
};

/// y_t = bias + sum_k weight[:, 0, k] x_{t + k - left}, [S, E]; rows as in selective_scan().
/// Float32 on a CPU takes the fused kernel, whatever else the reference.
at::Tensor short_convolution(const ShortConvolution& convolution, std::span<const int64_t> offsets);

/// The same in plain ATen operators; any device, any floating type.
at::Tensor short_convolution_reference(const ShortConvolution& convolution,
                                       std::span<const int64_t> offsets);

/// Fused float32 CPU kernel: one pass over x, tokens in parallel.
at::Tensor short_convolution_fused(ShortConvolution convolution, std::span<const int64_t> offsets);

struct ShortConvolutionGradients {
  at::Tensor x;       ///< [S, E]
  at::Tensor weight;  ///< [E, 1, K]
  at::Tensor bias;    ///< [E], undefined where there is none
};

/// The gradients of a loss from that by y, `gradient` [S, E]; what comes before the SiLU is
/// computed again.
ShortConvolutionGradients short_convolution_backward(const at::Tensor& gradient,
                                                     const ShortConvolution& convolution,
                                                     std::span<const int64_t> offsets);

}  // namespace ssmi::kernels
