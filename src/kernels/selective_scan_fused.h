#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ssmi/kernels/selective_scan.h"
#include "strided.h"

namespace ssmi::kernels {

/// A selective scan for the fused kernel: SelectiveScan's fields as they lie in memory.
struct ScanArguments {
  Strided<const float> u, delta, b, c, onto, gate, skip;  // skip: one row
  const float* a;                                         // [E, N]
  Strided<float> y;
  int64_t states;
  const int64_t* offsets;
  size_t rows;
  bool backward, softplus;
  float step_floor;
};

/// Whether no step grows a state, where the fused kernels' exponential ends. A tap may have put
/// anything into the step sizes.
bool decays(const SelectiveScan& scan);

/// `a` is scan.a, contiguous; both and `offsets` have to outlive what it gives, which has no y.
ScanArguments arguments_of(SelectiveScan& scan, const at::Tensor& a,
                           std::span<const int64_t> offsets, Direction direction);

/// The same scan backwards: the gradient by its output, and where those by its inputs go.
struct ScanBackwardArguments {
  ScanArguments in;
  Strided<const float> gradient;
  Strided<float> u, delta, onto, gate;
  float* a;         // [E, N]
  float *b, *c;     // [parts, S, N]: summed over the channels of a part
  float* skip;      // [E] or null
  int64_t tokens;   // S
  int64_t longest;  // tokens of a row
};

/// The backward pass in float32 on a CPU: keeps the states at the starts of chunks of tokens alone
/// and computes the others again, a chunk at a time; channels in parallel.
SelectiveScanGradients selective_scan_backward_fused(at::Tensor gradient, SelectiveScan scan,
                                                     std::span<const int64_t> offsets,
                                                     Direction direction);

}  // namespace ssmi::kernels
