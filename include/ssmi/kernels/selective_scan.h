#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace ssmi::kernels {

/// The inputs of a selective scan (Gu and Dao 2023, eq. 2 with B discretised as delta * B), over
/// rows laid end to end: S tokens in all, E channels, N states. What is said to be absent is
/// undefined.
struct SelectiveScan {
  at::Tensor u;           ///< [S, E] input
  at::Tensor delta;       ///< [S, E] step sizes
  at::Tensor a;           ///< [E, N] continuous transition, negative
  at::Tensor b;           ///< [S, N] input map
  at::Tensor c;           ///< [S, N] output map
  bool softplus = false;  ///< the step sizes are softplus(delta) + step_floor
  double step_floor = 0;
  at::Tensor skip{};  ///< [E] factor of u in the output, or absent
  at::Tensor onto{};  ///< [S, E] added to the output, or absent
  at::Tensor gate{};  ///< [S, E] its SiLU multiplies all of the output; or absent
  at::Tensor out{};   ///< [S, E] to write to, perhaps u, delta, onto or gate itself; or absent
};

enum class Direction { kForward, kBackward };

/// (sum_n c_t[n] h_t[n] + skip u_t + onto_t) silu(gate_t) with
/// h_t = exp(delta_t a) h_{t-1} + delta_t b_t u_t, the state starting at zero at each row's first
/// token (its last one for kBackward). `offsets` has one entry more than there are rows: row r is
/// tokens [offsets[r], offsets[r + 1]). Returns [S, E], `out` if there is one. Float32 on a CPU
/// takes the fused kernel, but for step sizes below zero; whatever else the reference.
at::Tensor selective_scan(const SelectiveScan& scan, std::span<const int64_t> offsets,
                          Direction direction);

/// The same in plain ATen operators, a step at a time; any device, any floating type.
at::Tensor selective_scan_reference(const SelectiveScan& scan, std::span<const int64_t> offsets,
                                    Direction direction);

/// Fused float32 CPU kernel: states in the first cache, no [S, E, N] temporary, inputs read where
/// they lie as long as tokens' own values are contiguous; channels in parallel.
at::Tensor selective_scan_fused(SelectiveScan scan, std::span<const int64_t> offsets,
                                Direction direction);

/// The gradients of a loss by a scan's inputs, shaped like them; undefined where these are absent.
struct SelectiveScanGradients {
  at::Tensor u, delta, a, b, c, skip, onto, gate;
};

/// From the loss's gradient by the scan's output, `gradient` [S, E]. Float32 on a CPU takes the
/// fused kernel, but for step sizes below zero; whatever else the reference.
SelectiveScanGradients selective_scan_backward(const at::Tensor& gradient,
                                               const SelectiveScan& scan,
                                               std::span<const int64_t> offsets,
                                               Direction direction);

/// The same in plain ATen operators, a step at a time, with a row's states [T, E, N] in memory.
SelectiveScanGradients selective_scan_backward_reference(const at::Tensor& gradient,
                                                         const SelectiveScan& scan,
                                                         std::span<const int64_t> offsets,
                                                         Direction direction);

}  // namespace ssmi::kernels
