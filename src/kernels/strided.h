#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ssmi::kernels {

/// Whether fused kernels can read it: float32 on a CPU.
inline bool is_fusable(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat;
}

/// Float32 rows, each contiguous, at any distance from each other; null where there are none.
template <class Float>
struct Strided {
  Float* data = nullptr;
  int64_t stride = 0;

  Float* row(int64_t t) const { return data + t * stride; }
  explicit operator bool() const { return data != nullptr; }
};

/// The rows of x [S, E], which may be undefined and has to outlive them. What is not contiguous
/// within a row is copied to `x` first.
inline Strided<const float> rows_of(at::Tensor& x) {
  if (!x.defined()) return {};
  if (x.stride(-1) != 1 && x.size(-1) != 1) x = x.contiguous();
  return {x.const_data_ptr<float>(), x.stride(0)};
}

}  // namespace ssmi::kernels
