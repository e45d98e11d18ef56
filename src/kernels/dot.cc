// Compiled once for each instruction set that Highway knows; the best one is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dot.cc"
// clang-format off
#include <hwy/foreach_target.h>
// clang-format on
#include "ssmi/kernels/dot.h"

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ssmi::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// The sum of tail(a_i, b_i); vector(x, y, sum) adds the same for whole vectors.
template <class Vector, class Tail>
HWY_INLINE double reduce(const double* a, const double* b, size_t n, Vector vector, Tail tail) {
  const hn::ScalableTag<double> d;
  const size_t lanes = hn::Lanes(d);
  auto sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    sum0 = vector(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum0);
    sum1 = vector(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes), sum1);
    sum2 = vector(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes), sum2);
    sum3 = vector(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes), sum3);
  }
  for (; i + lanes <= n; i += lanes) {
    sum0 = vector(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum0);
  }
  const auto sum = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
  double total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < n; ++i)
    total += tail(a[i], b[i]);
  return total;
}

double dot(const double* a, const double* b, size_t n) {
  return reduce(
      a, b, n, [](auto x, auto y, auto sum) HWY_ATTR { return hn::MulAdd(x, y, sum); },
      [](double x, double y) HWY_ATTR { return x * y; });
}

double squared_distance(const double* a, const double* b, size_t n) {
  const auto vector = [](auto x, auto y, auto sum) HWY_ATTR {
    const auto difference = hn::Sub(x, y);
    return hn::MulAdd(difference, difference, sum);
  };
  return reduce(a, b, n, vector, [](double x, double y) HWY_ATTR { return (x - y) * (x - y); });
}

/// high and low become the sum of two pairs of vectors, each lane as DoubleDouble's operator+.
/// Vectors of some instruction sets cannot be members of a struct.
template <class V>
HWY_INLINE void exact_sum(V a, V b, V& sum, V& rest) {
  sum = hn::Add(a, b);
  const V shadow = hn::Sub(sum, a);
  rest = hn::Add(hn::Sub(a, hn::Sub(sum, shadow)), hn::Sub(b, shadow));
}
template <class V>
HWY_INLINE void ordered_sum(V a, V b, V& sum, V& rest) {
  sum = hn::Add(a, b);
  rest = hn::Sub(b, hn::Sub(sum, a));
}
template <class V>
HWY_INLINE void add(V& high, V& low, V other, V other_low) {
  V sum = high, rest = low, low_sum = low, low_rest = low;
  exact_sum(high, other, sum, rest);
  exact_sum(low, other_low, low_sum, low_rest);
  ordered_sum(sum, hn::Add(rest, low_sum), high, low);
  ordered_sum(high, hn::Add(low, low_rest), sum, rest);
  high = sum;
  low = rest;
}

/// The sum of tail(i); vector(i, high, low) gives the same for the lanes from i on.
template <class Vector, class Tail>
HWY_INLINE DoubleDouble precise_reduce(size_t n, Vector vector, Tail tail) {
  DoubleDouble total;
  size_t i = 0;
#if HWY_NATIVE_FMA  // without it products are not known exactly
  const hn::ScalableTag<double> d;
  const size_t lanes = hn::Lanes(d);
  auto high0 = hn::Zero(d), high1 = high0, high2 = high0, high3 = high0;
  auto low0 = high0, low1 = high0, low2 = high0, low3 = high0;
  const auto step = [&](size_t at, auto& sum, auto& rest) HWY_ATTR {
    auto x = hn::Zero(d), x_rest = x;
    vector(at, x, x_rest);
    add(sum, rest, x, x_rest);
  };
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    step(i, high0, low0);
    step(i + lanes, high1, low1);
    step(i + 2 * lanes, high2, low2);
    step(i + 3 * lanes, high3, low3);
  }
  for (; i + lanes <= n; i += lanes)
    step(i, high0, low0);
  add(high0, low0, high1, low1);
  add(high2, low2, high3, low3);
  add(high0, low0, high2, low2);
  HWY_ALIGN double high[hn::MaxLanes(d)], low[hn::MaxLanes(d)];
  hn::Store(high0, d, high);
  hn::Store(low0, d, low);
  for (size_t lane = 0; lane < lanes; ++lane)
    total += DoubleDouble(high[lane], low[lane]);
#else
  (void)vector;
#endif
  for (; i < n; ++i)
    total += tail(i);
  return total;
}

DoubleDouble precise_dot(const double* a, const double* b, size_t n) {
  const auto vector = [a, b](size_t i, auto& high, auto& low) HWY_ATTR {
    const hn::ScalableTag<double> d;
    const auto x = hn::LoadU(d, a + i), y = hn::LoadU(d, b + i);
    high = hn::Mul(x, y);
    low = hn::MulSub(x, y, high);
  };
  return precise_reduce(
      n, vector, [a, b](size_t i) HWY_ATTR { return DoubleDouble::exact_product(a[i], b[i]); });
}

DoubleDouble precise_dot_of_pairs(const DoubleDouble* a, const DoubleDouble* b, size_t n) {
  const auto vector = [a, b](size_t i, auto& high, auto& low) HWY_ATTR {
    const hn::ScalableTag<double> d;
    hn::Vec<decltype(d)> x, x_low, y, y_low;
    hn::LoadInterleaved2(d, &a[i].high, x, x_low);
    hn::LoadInterleaved2(d, &b[i].high, y, y_low);
    const hn::Vec<decltype(d)> product = hn::Mul(x, y);
    const auto rest = hn::MulAdd(x, y_low, hn::Mul(x_low, y));
    ordered_sum(product, hn::Add(hn::MulSub(x, y, product), rest), high, low);
  };
  return precise_reduce(n, vector, [a, b](size_t i) HWY_ATTR { return a[i] * b[i]; });
}

void add_scaled(double* a, double factor, const double* b, size_t n) {
  const hn::ScalableTag<double> d;
  const size_t lanes = hn::Lanes(d);
  const auto scale = hn::Set(d, factor);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(hn::MulAdd(scale, hn::LoadU(d, b + i), hn::LoadU(d, a + i)), d, a + i);
  }
  for (; i < n; ++i)
    a[i] += factor * b[i];
}

size_t place_of_smallest(const double* a, size_t n) {
  const hn::ScalableTag<double> d;
  const size_t lanes = hn::Lanes(d);
  auto least0 = hn::Set(d, a[0]), least1 = least0;
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    least0 = hn::Min(least0, hn::LoadU(d, a + i));
    least1 = hn::Min(least1, hn::LoadU(d, a + i + lanes));
  }
  double least = hn::GetLane(hn::MinOfLanes(d, hn::Min(least0, least1)));
  for (; i < n; ++i)
    least = a[i] < least ? a[i] : least;
  const auto all = hn::Set(d, least);
  for (i = 0; i + lanes <= n; i += lanes) {
    const auto found = hn::FindFirstTrue(d, hn::Eq(hn::LoadU(d, a + i), all));
    if (found >= 0) return i + static_cast<size_t>(found);
  }
  while (a[i] != least)
    ++i;
  return i;
}

}  // namespace ssmi::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ssmi::kernels {

HWY_EXPORT(dot);
HWY_EXPORT(squared_distance);
HWY_EXPORT(precise_dot);
HWY_EXPORT(precise_dot_of_pairs);
HWY_EXPORT(add_scaled);
HWY_EXPORT(place_of_smallest);

double dot(const double* a, const double* b, size_t n) {
  return HWY_DYNAMIC_DISPATCH(dot)(a, b, n);
}
double squared_distance(const double* a, const double* b, size_t n) {
  return HWY_DYNAMIC_DISPATCH(squared_distance)(a, b, n);
}
DoubleDouble precise_dot(const double* a, const double* b, size_t n) {
  return HWY_DYNAMIC_DISPATCH(precise_dot)(a, b, n);
}
DoubleDouble precise_dot(const DoubleDouble* a, const DoubleDouble* b, size_t n) {
  return HWY_DYNAMIC_DISPATCH(precise_dot_of_pairs)(a, b, n);
}
void add_scaled(double* a, double factor, const double* b, size_t n) {
  HWY_DYNAMIC_DISPATCH(add_scaled)(a, factor, b, n);
}
size_t place_of_smallest(const double* a, size_t n) {
  return HWY_DYNAMIC_DISPATCH(place_of_smallest)(a, n);
}

}  // namespace ssmi::kernels
#endif
