#pragma once

#include <cstddef>
#include <type_traits>

#include "ssmi/kernels/dot.h"
#include "ssmi/kernels/double_double.h"

namespace ssmi::probe {

using kernels::dot;
using kernels::DoubleDouble;

inline DoubleDouble dot(const DoubleDouble* a, const DoubleDouble* b, size_t n) {
  return kernels::precise_dot(a, b, n);
}

/// a_i -= factor b_i
inline void subtract_scaled(double* a, double factor, const double* b, size_t n) {
  kernels::add_scaled(a, -factor, b, n);
}

template <typename Entry>
void subtract_scaled(DoubleDouble* a, DoubleDouble factor, const Entry* b, size_t n) {
  for (size_t i = 0; i < n; ++i)
    a[i] -= factor * DoubleDouble(b[i]);
}

/// The product of two vectors of doubles, in the precision of Scalar.
template <typename Scalar>
Scalar product(const double* a, const double* b, size_t n) {
  if constexpr (std::is_same_v<Scalar, double>) {
    return dot(a, b, n);
  } else {
    return kernels::precise_dot(a, b, n);
  }
}

}  // namespace ssmi::probe
