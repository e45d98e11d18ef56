#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ssmi::kernels {

/// y = x / sqrt(mean(x^2) + epsilon) * weight over the last dimension, [S, D]; without a factor
/// where `weight` [D] is undefined.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon);

}  // namespace ssmi::kernels
