#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/max.h>

#include "ssmi/core/random.h"

namespace ssmi::test {

/// Float64, uniform in [low, high).
inline at::Tensor random_tensor(Random& random, at::IntArrayRef shape, double low, double high) {
  at::Tensor tensor = at::empty(shape, at::kDouble);
  auto* data = tensor.data_ptr<double>();
  for (int64_t i = 0; i < tensor.numel(); ++i)
    data[i] = low + (high - low) * random.uniform();
  return tensor;
}

/// In float32, lying in memory as x does; undefined where x is.
inline at::Tensor as_float(const at::Tensor& x) {
  if (!x.defined()) return x;
  return at::empty_strided(x.sizes(), x.strides(), at::kFloat).copy_(x);
}

inline double largest_difference(const at::Tensor& x, const at::Tensor& y) {
  return (x.to(at::kDouble) - y.to(at::kDouble)).abs().max().item<double>();
}

}  // namespace ssmi::test
