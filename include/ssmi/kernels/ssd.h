#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace ssmi::kernels {

/// The inputs of Mamba-2's state-space layer (Dao and Gu 2024: SSD, eq. 16), over rows laid end to
/// end: S tokens, H heads of width P, G groups of H / G heads, N states. The last dimensions are
/// contiguous; tokens may lie further apart.
struct StateSpaceDual {
  at::Tensor x;      ///< [S, H P] input
  at::Tensor delta;  ///< [S, H] step sizes, not negative
  at::Tensor a;      ///< [H] continuous transition, negative
  at::Tensor b;      ///< [S, G N] input map
  at::Tensor c;      ///< [S, G N] output map
  at::Tensor skip;   ///< [H] factor of x in the output
  int64_t groups;
};

/// y_t = C_t h_t + skip x_t with h_t = exp(delta_t a) h_{t-1} + delta_t x_t B_t, [P, N] a head, the
/// state starting at zero at each row's first token. `offsets` as in selective_scan(). Returns
/// y [S, H P]. Float32 on a CPU takes the fused kernel, whatever else the reference.
at::Tensor ssd(const StateSpaceDual& input, std::span<const int64_t> offsets);

/// The same in plain ATen operators, a step at a time; any device, any floating type.
at::Tensor ssd_reference(const StateSpaceDual& input, std::span<const int64_t> offsets);

/// Fused float32 CPU kernel: the recurrence with a part of a head's state at a time in the first
/// cache, no [S, P, N] temporary; heads and parts in parallel.
at::Tensor ssd_fused(StateSpaceDual input, std::span<const int64_t> offsets);

}  // namespace ssmi::kernels
