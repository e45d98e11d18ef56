#pragma once

#include <cstdint>

#include "strided.h"

namespace ssmi::kernels {

/// A short convolution for the fused kernel, as it lies in memory.
struct ConvolutionArguments {
  Strided<const float> x;
  const float* weight;  // [K, E]
  const float* bias;    // [E] or null
  Strided<float> y;
  int64_t channels, width, left;
  const int64_t* offsets;
  bool silu;
};

}  // namespace ssmi::kernels
