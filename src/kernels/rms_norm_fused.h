#pragma once

#include <cstdint>

#include "strided.h"

namespace ssmi::kernels {

/// A norm for the fused kernel, as it lies in memory.
struct NormArguments {
  Strided<const float> x, gate;
  const float* weight;  // [D] or null
  Strided<float> y;
  int64_t groups, group_width;
  float epsilon;
};

}  // namespace ssmi::kernels
