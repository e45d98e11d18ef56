#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace ssmi::kernels {

/// Depthwise convolution of each row by itself, zeros beyond its ends:
/// y_t = bias + sum_k weight[:, 0, k] x_{t + k - left}. x [S, E], weight [E, 1, K], bias [E] or
/// undefined;
/// rows as in selective_scan(). Returns [S, E].
at::Tensor short_convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                             int64_t left, std::span<const int64_t> offsets);

}  // namespace ssmi::kernels
