#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ssmi::kernels {

/// A norm by the root of the mean square of each of G equal shares of a token's channels.
struct RmsNorm {
  at::Tensor x;         ///< [S, D]
  at::Tensor weight{};  ///< [D] factor of the result, or undefined
  double epsilon;       ///< added to the mean square
  int64_t groups = 1;
  at::Tensor gate{};  ///< [S, D] its SiLU multiplies x first (Mamba-2), or undefined
  at::Tensor out{};   ///< [S, D] to write to, perhaps x or gate itself; or undefined
};

/// Returns [S, D]. Float32 on a CPU takes the fused kernel, whatever else the reference.
at::Tensor rms_norm(const RmsNorm& norm);

/// The same in plain ATen operators; any device, any floating type.
at::Tensor rms_norm_reference(const RmsNorm& norm);

/// Fused float32 CPU kernel: a token's channels are read from memory once, tokens in parallel.
at::Tensor rms_norm_fused(RmsNorm norm);

}  // namespace ssmi::kernels
