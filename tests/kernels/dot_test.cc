#include "ssmi/kernels/dot.h"

#include <doctest/doctest.h>

#include <vector>

#include "ssmi/core/random.h"

using namespace ssmi;

TEST_CASE("kernels: short float64 loops agree with plain ones at every length") {
  Random random(1, "dot");
  for (size_t n = 0; n < 80; ++n) {
    std::vector<double> a(n + 1), b(n + 1);
    long double product = 0, square = 0;
    for (size_t i = 0; i <= n; ++i) {
      a[i] = random.normal();
      b[i] = random.normal();
    }
    for (size_t i = 0; i < n; ++i) {
      product += static_cast<long double>(a[i]) * b[i];
      square += static_cast<long double>(a[i] - b[i]) * (a[i] - b[i]);
    }
    CHECK(kernels::dot(a.data(), b.data(), n) ==
          doctest::Approx(static_cast<double>(product)).epsilon(1e-13).scale(10));
    CHECK(kernels::squared_distance(a.data(), b.data(), n) ==
          doctest::Approx(static_cast<double>(square)).epsilon(1e-13));
    std::vector<double> sum = a;
    kernels::add_scaled(sum.data(), -0.5, b.data(), n);
    for (size_t i = 0; i < n; ++i) {
      CHECK(sum[i] == doctest::Approx(a[i] - 0.5 * b[i]).epsilon(1e-14).scale(1));
    }
    CHECK(sum[n] == a[n]);  // nothing beyond the end
  }
}
