#include "ssmi/kernels/dot.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
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

TEST_CASE("kernels: the place of the smallest of numbers is the first such place") {
  Random random(2, "smallest");
  for (size_t n = 1; n < 80; ++n) {
    for (int round = 0; round < 20; ++round) {
      std::vector<double> a(n);
      for (double& value : a) {
        const uint64_t drawn = random.below(1 + n / 2);  // many are equal
        value = drawn == 0 ? std::numeric_limits<double>::infinity() : static_cast<double>(drawn);
      }
      const auto expected = std::min_element(a.begin(), a.end()) - a.begin();
      CHECK(kernels::place_of_smallest(a.data(), n) == static_cast<size_t>(expected));
    }
  }
}

TEST_CASE("kernels: products in twice the precision agree with sums of exact ones") {
  Random random(1, "precise dot");
  for (size_t n = 0; n < 80; ++n) {
    std::vector<double> a(n), b(n);
    std::vector<kernels::DoubleDouble> x(n), y(n);
    for (size_t i = 0; i < n; ++i) {
      // Pairs that cancel to the last digit, so that float64 alone would say anything.
      const bool twin = i % 2 == 1;
      a[i] = twin ? a[i - 1] * (1 + 1e-13 * random.normal()) : random.normal();
      b[i] = twin ? -b[i - 1] : random.normal();
      x[i] = {a[i], a[i] * 1e-17 * random.normal()};
      y[i] = {b[i], b[i] * 1e-17 * random.normal()};
    }
    kernels::DoubleDouble expected, expected_pairs;
    double size = 0;
    for (size_t i = 0; i < n; ++i) {
      expected += kernels::DoubleDouble::exact_product(a[i], b[i]);
      expected_pairs += x[i] * y[i];
      size += std::abs(a[i] * b[i]);
    }
    const auto error = [](kernels::DoubleDouble found, kernels::DoubleDouble wanted) {
      return std::abs(static_cast<double>(found - wanted));
    };
    CHECK(error(kernels::precise_dot(a.data(), b.data(), n), expected) <= 1e-30 * size);
    CHECK(error(kernels::precise_dot(x.data(), y.data(), n), expected_pairs) <= 1e-30 * size);
  }
  const std::vector<double> a = {1e20, 1, -1e20, 3}, b = {1, 1e-15, 1, 1e-30};
  const auto tiny = kernels::precise_dot(a.data(), b.data(), 3);
  CHECK(static_cast<double>(tiny) == 1e-15);
}
