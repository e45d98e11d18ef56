#pragma once

#include <ATen/core/Tensor.h>

namespace ssmi::bench {

/// The exponentials of a selective scan and nothing else, by the fused kernel's own exp: the sum of
/// exp(delta_t[e] a[e, n]) over the tokens and states of each channel. delta [S, E], a [E, N],
/// E a multiple of 32; returns [E].
at::Tensor exponentials(const at::Tensor& delta, const at::Tensor& a);

}  // namespace ssmi::bench
