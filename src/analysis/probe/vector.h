#pragma once

#include <cstddef>
#include <type_traits>

#include "double_double.h"

namespace ssmi::probe {

/// Sums in a fixed order, so that results do not depend on threads or alignment.
inline double dot(const double* a, const double* b, size_t n) {
  double lane[8] = {};
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (size_t j = 0; j < 8; ++j)
      lane[j] += a[i + j] * b[i + j];
  }
  double sum =
      ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
  for (; i < n; ++i)
    sum += a[i] * b[i];
  return sum;
}

inline DoubleDouble dot(const DoubleDouble* a, const DoubleDouble* b, size_t n) {
  DoubleDouble sum;
  for (size_t i = 0; i < n; ++i)
    sum += a[i] * b[i];
  return sum;
}

template <typename Scalar, typename Entry>
void subtract_scaled(Scalar* a, Scalar factor, const Entry* b, size_t n) {
  for (size_t i = 0; i < n; ++i)
    a[i] -= factor * Scalar(b[i]);
}

/// The product of two vectors of doubles, in the precision of Scalar.
template <typename Scalar>
Scalar product(const double* a, const double* b, size_t n) {
  if constexpr (std::is_same_v<Scalar, double>) {
    return dot(a, b, n);
  } else {
    Scalar sum;
    for (size_t i = 0; i < n; ++i)
      sum += Scalar::exact_product(a[i], b[i]);
    return sum;
  }
}

}  // namespace ssmi::probe
