#include "ssmi/kernels/rms_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/rsqrt.h>

namespace ssmi::kernels {

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
  const at::Tensor y = x * at::rsqrt((x * x).mean(-1, true) + epsilon);
  return weight.defined() ? y * weight : y;
}

}  // namespace ssmi::kernels
