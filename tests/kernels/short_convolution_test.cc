#include "ssmi/kernels/short_convolution.h"

#include <vector>

#include "kernels/random_tensor.h"
#include "support.h"

namespace ssmi::kernels {
namespace {

using test::largest_difference;
using test::random_tensor;

ShortConvolution random_convolution(int64_t tokens, int64_t channels, int64_t width, int64_t left) {
  Random random(5, "conv");
  const at::Tensor wide = random_tensor(random, {tokens, channels + 3}, -1, 1);
  return {.x = wide.slice(1, 2, channels + 2),
          .weight = random_tensor(random, {channels, 1, width}, -1, 1),
          .bias = random_tensor(random, {channels}, -1, 1),
          .left = left};
}

ShortConvolution as_float(ShortConvolution convolution) {
  for (at::Tensor* x : {&convolution.x, &convolution.weight, &convolution.bias})
    *x = test::as_float(*x);
  return convolution;
}

TEST_CASE("convolution: rows see zeros beyond their ends") {
  const std::vector<int64_t> offsets{0, 1, 3, 12};
  const ShortConvolution c = random_convolution(12, 3, 4, 1);
  const at::Tensor y = short_convolution(c, offsets);
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    for (int64_t t = offsets[row]; t < offsets[row + 1]; ++t) {
      for (int64_t e = 0; e < 3; ++e) {
        double expected = c.bias[e].item<double>();
        for (int64_t k = 0; k < 4; ++k) {
          const int64_t source = t + k - c.left;
          if (source < offsets[row] || source >= offsets[row + 1]) continue;
          expected += c.weight[e][0][k].item<double>() * c.x[source][e].item<double>();
        }
        CHECK(y[t][e].item<double>() == doctest::Approx(expected).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("convolution: the fused kernel equals the reference at every width") {
  const std::vector<int64_t> offsets{0, 1, 3, 3, 40};
  for (const int64_t channels : {1, 8, 21}) {
    for (const int64_t width : {1, 2, 4, 6}) {
      for (const int64_t left : {int64_t{0}, width / 2, width - 1}) {
        for (const bool silu : {false, true}) {
          CAPTURE(channels);
          CAPTURE(width);
          CAPTURE(left);
          ShortConvolution c = random_convolution(40, channels, width, left);
          c.silu = silu;
          if (width == 2) c.bias = at::Tensor();
          const at::Tensor expected = short_convolution_reference(c, offsets);
          CHECK(largest_difference(short_convolution_fused(as_float(c), offsets), expected) < 2e-6);
        }
      }
    }
  }
}

TEST_CASE("convolution: SiLU of values far from zero, and a place to write to") {
  const std::vector<int64_t> offsets{0, 9};
  ShortConvolution c = as_float(random_convolution(9, 16, 3, 2));
  c.x = c.x * 300;
  c.silu = true;
  const at::Tensor expected = short_convolution_reference(c, offsets);
  c.out = at::empty({9, 16}, at::kFloat);
  CHECK(short_convolution(c, offsets).is_same(c.out));
  CHECK(largest_difference(c.out, expected) < 1e-4);
  CHECK(expected.abs().max().item<float>() > 300);
}

TEST_CASE("convolution: gradients equal differences along random directions, float32's too") {
  const std::vector<int64_t> offsets{0, 1, 3, 3, 40};
  for (const bool silu : {false, true}) {
    for (const int64_t left : {0, 1, 3}) {
      CAPTURE(silu);
      CAPTURE(left);
      ShortConvolution c = random_convolution(40, 5, 4, left);
      c.silu = silu;
      if (left == 1) c.bias = at::Tensor();
      Random random(6, "weights");
      const at::Tensor weights = random_tensor(random, c.x.sizes(), -1, 1);
      const auto exact = short_convolution_backward(weights, c, offsets);
      const auto rounded = short_convolution_backward(weights.to(at::kFloat), as_float(c), offsets);
      CHECK(exact.bias.defined() == c.bias.defined());
      const auto check = [&](at::Tensor& x, const at::Tensor& gradient, const at::Tensor& other) {
        if (!x.defined()) return;
        CHECK(largest_difference(other, gradient) < 1e-5);
        const at::Tensor old = x, along = random_tensor(random, old.sizes(), -1, 1);
        const auto loss = [&](double step) {
          x = old + step * along;
          return (weights * short_convolution(c, offsets)).sum().item<double>();
        };
        constexpr double kStep = 1e-5;
        const double difference = (loss(kStep) - loss(-kStep)) / (2 * kStep);
        x = old;
        CHECK((gradient * along).sum().item<double>() ==
              doctest::Approx(difference).epsilon(1e-7).scale(10));
      };
      check(c.x, exact.x, rounded.x);
      check(c.weight, exact.weight, rounded.weight);
      check(c.bias, exact.bias, rounded.bias);
    }
  }
}

}  // namespace
}  // namespace ssmi::kernels
