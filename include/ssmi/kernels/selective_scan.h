#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace ssmi::kernels {

/// The inputs of a selective scan (Gu and Dao 2023, eq. 2 with B discretised as delta * B), over
/// rows laid end to end: S tokens in all, E channels, N states.
struct SelectiveScan {
  at::Tensor u;      ///< [S, E] input
  at::Tensor delta;  ///< [S, E] step sizes
  at::Tensor a;      ///< [E, N] continuous transition, negative
  at::Tensor b;      ///< [S, N] input map
  at::Tensor c;      ///< [S, N] output map
};

enum class Direction { kForward, kBackward };

/// y_t = sum_n c_t[n] h_t[n] with h_t = exp(delta_t a) h_{t-1} + delta_t b_t u_t, the state
/// starting at zero at each row's first token (its last one for kBackward). Without the skip term.
/// `offsets` has one entry more than there are rows: row r is tokens [offsets[r], offsets[r + 1]).
/// Returns y [S, E]. Float32 on a CPU takes the fused kernel, whatever else the reference.
at::Tensor selective_scan(const SelectiveScan& scan, std::span<const int64_t> offsets,
                          Direction direction);

/// The same in plain ATen operators, a step at a time; any device, any floating type.
at::Tensor selective_scan_reference(const SelectiveScan& scan, std::span<const int64_t> offsets,
                                    Direction direction);

/// Fused float32 CPU kernel: state in registers, no [S, E, N] temporary; channels and rows in
/// parallel. All tensors float32 and contiguous.
at::Tensor selective_scan_fused(const SelectiveScan& scan, std::span<const int64_t> offsets,
                                Direction direction);

}  // namespace ssmi::kernels
