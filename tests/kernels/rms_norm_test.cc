#include "ssmi/kernels/rms_norm.h"

#include <cmath>

#include "kernels/random_tensor.h"
#include "support.h"

namespace ssmi::kernels {
namespace {

using test::largest_difference;
using test::random_tensor;

RmsNorm random_norm(int64_t tokens, int64_t width, int64_t groups) {
  Random random(6, "norm");
  return {.x = random_tensor(random, {tokens, 2 * width}, -3, 3).slice(1, width),
          .weight = random_tensor(random, {width}, -2, 2),
          .epsilon = 1e-3,
          .groups = groups,
          .gate = random_tensor(random, {tokens, width + 1}, -40, 40).slice(1, 1)};
}

RmsNorm as_float(RmsNorm norm) {
  for (at::Tensor* x : {&norm.x, &norm.weight, &norm.gate})
    *x = test::as_float(*x);
  return norm;
}

TEST_CASE("norm: the reference is each group's values over the root of their mean square") {
  const RmsNorm norm = random_norm(3, 6, 2);
  const at::Tensor y = rms_norm(norm);
  const auto x = norm.x.accessor<double, 2>(), gate = norm.gate.accessor<double, 2>();
  for (int64_t t = 0; t < 3; ++t) {
    for (int64_t i = 0; i < 6; ++i) {
      const auto gated = [&](int64_t j) {
        return x[t][j] * gate[t][j] / (1 + std::exp(-gate[t][j]));
      };
      double squares = 0;
      for (int64_t j = i / 3 * 3; j < i / 3 * 3 + 3; ++j)
        squares += gated(j) * gated(j);
      const double expected =
          gated(i) / std::sqrt(squares / 3 + 1e-3) * norm.weight[i].item<double>();
      CHECK(y[t][i].item<double>() == doctest::Approx(expected).epsilon(1e-12));
    }
  }
}

TEST_CASE("norm: the fused kernel equals the reference with and without gate, weight and groups") {
  for (const auto& [width, groups] : {std::pair{1, 1}, {8, 1}, {21, 3}, {64, 8}, {96, 2}}) {
    for (const int64_t tokens : {1, 33}) {
      CAPTURE(width);
      RmsNorm norm = random_norm(tokens, width, groups);
      CHECK(largest_difference(rms_norm_fused(as_float(norm)), rms_norm_reference(norm)) < 2e-5);
      norm.gate = at::Tensor();
      CHECK(largest_difference(rms_norm_fused(as_float(norm)), rms_norm_reference(norm)) < 5e-6);
      norm.weight = at::Tensor();
      CHECK(largest_difference(rms_norm_fused(as_float(norm)), rms_norm_reference(norm)) < 5e-6);
    }
  }
}

TEST_CASE("norm: the result may take the place of what is normalised or of its gate") {
  const RmsNorm norm = as_float(random_norm(5, 24, 2));
  const at::Tensor expected = rms_norm(norm);
  for (at::Tensor RmsNorm::*place : {&RmsNorm::x, &RmsNorm::gate}) {
    RmsNorm one = norm;
    one.*place = (norm.*place).clone();
    one.out = one.*place;
    CHECK(rms_norm(one).is_same(one.out));
    CHECK(largest_difference(one.out, expected) == 0);
  }
}

}  // namespace
}  // namespace ssmi::kernels
