#pragma once

#include <cstddef>
#include <cstdint>

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

}  // namespace ssmi::kernels
