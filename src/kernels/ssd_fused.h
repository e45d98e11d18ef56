#pragma once

#include <cstddef>
#include <cstdint>

#include "strided.h"

namespace ssmi::kernels {

/// A state-space dual layer for the fused kernel, as it lies in memory.
struct DualArguments {
  Strided<const float> x, delta, decay, b, c;  // decay: [S, H] exp(delta a)
  const float* skip;                           // [H]
  Strided<float> y;
  int64_t heads, width, groups, states;
  const int64_t* offsets;
  size_t rows;
};

}  // namespace ssmi::kernels
