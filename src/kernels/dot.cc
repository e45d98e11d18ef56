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
HWY_EXPORT(add_scaled);

double dot(const double* a, const double* b, size_t n) {
  return HWY_DYNAMIC_DISPATCH(dot)(a, b, n);
}
double squared_distance(const double* a, const double* b, size_t n) {
  return HWY_DYNAMIC_DISPATCH(squared_distance)(a, b, n);
}
void add_scaled(double* a, double factor, const double* b, size_t n) {
  HWY_DYNAMIC_DISPATCH(add_scaled)(a, factor, b, n);
}

}  // namespace ssmi::kernels
#endif
