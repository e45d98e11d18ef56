#pragma once

#include <cmath>

namespace ssmi::kernels {

/// An unevaluated sum of two doubles, about 32 digits (Dekker 1971; Hida, Li and Bailey 2001).
struct DoubleDouble {
  double high = 0, low = 0;

  DoubleDouble() = default;
  DoubleDouble(double value) : high(value) {}  // NOLINT: a number like any other
  DoubleDouble(double h, double l) : high(h), low(l) {}
  explicit operator double() const { return high + low; }

  /// a + b where |a| >= |b|.
  static DoubleDouble ordered_sum(double a, double b) {
    const double sum = a + b;
    return {sum, b - (sum - a)};
  }
  static DoubleDouble exact_sum(double a, double b) {
    const double sum = a + b, shadow = sum - a;
    return {sum, (a - (sum - shadow)) + (b - shadow)};
  }
  static DoubleDouble exact_product(double a, double b) {
    const double product = a * b;
    return {product, std::fma(a, b, -product)};
  }
};

inline DoubleDouble operator-(DoubleDouble a) {
  return {-a.high, -a.low};
}

inline DoubleDouble operator+(DoubleDouble a, DoubleDouble b) {
  const DoubleDouble high = DoubleDouble::exact_sum(a.high, b.high);
  const DoubleDouble low = DoubleDouble::exact_sum(a.low, b.low);
  const DoubleDouble sum = DoubleDouble::ordered_sum(high.high, high.low + low.high);
  return DoubleDouble::ordered_sum(sum.high, sum.low + low.low);
}

inline DoubleDouble operator-(DoubleDouble a, DoubleDouble b) {
  return a + -b;
}

inline DoubleDouble operator*(DoubleDouble a, DoubleDouble b) {
  const DoubleDouble product = DoubleDouble::exact_product(a.high, b.high);
  return DoubleDouble::ordered_sum(product.high, product.low + (a.high * b.low + a.low * b.high));
}

inline DoubleDouble operator/(DoubleDouble a, DoubleDouble b) {
  const double first = a.high / b.high;
  const DoubleDouble rest = a - b * first;
  const double second = rest.high / b.high;
  const double third = (rest - b * second).high / b.high;
  return DoubleDouble::ordered_sum(first, second) + third;
}

inline DoubleDouble sqrt(DoubleDouble a) {
  if (a.high <= 0) return {};
  const double root = std::sqrt(a.high);
  const DoubleDouble rest = a - DoubleDouble::exact_product(root, root);
  return DoubleDouble::ordered_sum(root, rest.high / (2 * root));
}

inline DoubleDouble& operator+=(DoubleDouble& a, DoubleDouble b) {
  return a = a + b;
}
inline DoubleDouble& operator-=(DoubleDouble& a, DoubleDouble b) {
  return a = a - b;
}

}  // namespace ssmi::kernels
