#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "ssmi/kernels/selective_scan.h"
#include "ssmi/kernels/state_kernel.h"

namespace ssmi::model {

/// The fixed convolution kernels of one direction of a block. Kernel g serves the g-th of G equal
/// shares of the block's channels. A backward kernel is causal in the reversed sequence.
struct StateKernels {
  int64_t layer;  ///< block, from 1
  kernels::Direction direction;
  kernels::ModalKernels kernels;  ///< [G, N]
  at::Tensor skip;                ///< [G] the skip term D, not part of the kernels
};

/// The dynamics of one direction of a selective block, which has no fixed kernel: its step size
/// depends on the input. Here it is the one that the bias alone gives.
struct SelectiveDynamics {
  int64_t layer;  ///< block, from 1
  kernels::Direction direction;
  at::Tensor a;      ///< [E, N] continuous transition, negative; [H, 1] where a head has one
  at::Tensor delta;  ///< [E] or [H] step size at the bias, in tokens
};

}  // namespace ssmi::model
