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

/// Two vectors of which each lane is a DoubleDouble.
template <class V>
struct Twofold {
  V high, low;
};

template <class V>
HWY_INLINE Twofold<V> exact_sum(V a, V b) {
  const V sum = hn::Add(a, b), shadow = hn::Sub(sum, a);
  return {sum, hn::Add(hn::Sub(a, hn::Sub(sum, shadow)), hn::Sub(b, shadow))};
}
template <class V>
HWY_INLINE Twofold<V> ordered_sum(V a, V b) {
  const V sum = hn::Add(a, b);
  return {sum, hn::Sub(b, hn::Sub(sum, a))};
}
template <class V>
HWY_INLINE Twofold<V> add(const Twofold<V>& a, const Twofold<V>& b) {
  const auto high = exact_sum(a.high, b.high), low = exact_sum(a.low, b.low);
  const auto sum = ordered_sum(high.high, hn::Add(high.low, low.high));
  return ordered_sum(sum.high, hn::Add(sum.low, low.low));
}

/// The sum of tail(i); vector(i) gives the same for the vector of lanes from i on.
template <class Vector, class Tail>
HWY_INLINE DoubleDouble precise_reduce(size_t n, Vector vector, Tail tail) {
  DoubleDouble total;
  size_t i = 0;
#if HWY_NATIVE_FMA  // without it products are not known exactly
  const hn::ScalableTag<double> d;
  using V = hn::Vec<decltype(d)>;
  const size_t lanes = hn::Lanes(d);
  const auto zero = hn::Zero(d);
  Twofold<V> sum0{zero, zero}, sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    sum0 = add(sum0, vector(i));
    sum1 = add(sum1, vector(i + lanes));
    sum2 = add(sum2, vector(i + 2 * lanes));
    sum3 = add(sum3, vector(i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes)
    sum0 = add(sum0, vector(i));
  const auto sum = add(add(sum0, sum1), add(sum2, sum3));
  HWY_ALIGN double high[hn::MaxLanes(d)], low[hn::MaxLanes(d)];
  hn::Store(sum.high, d, high);
  hn::Store(sum.low, d, low);
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
  const auto vector = [a, b](size_t i) HWY_ATTR {
    const hn::ScalableTag<double> d;
    const hn::Vec<decltype(d)> x = hn::LoadU(d, a + i), y = hn::LoadU(d, b + i);
    const hn::Vec<decltype(d)> product = hn::Mul(x, y);
    return Twofold<hn::Vec<decltype(d)>>{product, hn::MulSub(x, y, product)};
  };
  return precise_reduce(
      n, vector, [a, b](size_t i) HWY_ATTR { return DoubleDouble::exact_product(a[i], b[i]); });
}

DoubleDouble precise_dot_of_pairs(const DoubleDouble* a, const DoubleDouble* b, size_t n) {
  const auto vector = [a, b](size_t i) HWY_ATTR {
    const hn::ScalableTag<double> d;
    hn::Vec<decltype(d)> x, x_low, y, y_low;
    hn::LoadInterleaved2(d, &a[i].high, x, x_low);
    hn::LoadInterleaved2(d, &b[i].high, y, y_low);
    const hn::Vec<decltype(d)> product = hn::Mul(x, y);
    const hn::Vec<decltype(d)> rest = hn::MulAdd(x, y_low, hn::Mul(x_low, y));
    return ordered_sum(product, hn::Add(hn::MulSub(x, y, product), rest));
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

}  // namespace ssmi::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ssmi::kernels {

HWY_EXPORT(dot);
HWY_EXPORT(squared_distance);
HWY_EXPORT(precise_dot);
HWY_EXPORT(precise_dot_of_pairs);
HWY_EXPORT(add_scaled);

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

}  // namespace ssmi::kernels
#endif
