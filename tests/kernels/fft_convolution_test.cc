#include "ssmi/kernels/long_convolution.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/max.h>
#include <ATen/ops/zeros_like.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "ssmi/core/random.h"
#include "support.h"

namespace ssmi::kernels {
namespace {

at::Tensor random_tensor(const std::string& name, at::IntArrayRef shape) {
  Random random(11, name);
  at::Tensor tensor = at::empty(shape, at::kDouble);
  std::generate_n(tensor.data_ptr<double>(), tensor.numel(), [&] { return random.normal(); });
  return tensor;
}

/// The sum written out, in float64.
at::Tensor direct(const at::Tensor& u, const at::Tensor& kernels, std::span<const int64_t> offsets,
                  Direction direction) {
  at::Tensor y = at::zeros_like(u);
  const auto in = u.accessor<double, 2>(), taps = kernels.accessor<double, 2>();
  auto out = y.accessor<double, 2>();
  const int64_t sign = direction == Direction::kForward ? -1 : 1;
  const int64_t share = u.size(1) / kernels.size(0);
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    for (int64_t t = offsets[row]; t < offsets[row + 1]; ++t) {
      for (int64_t lag = 0; lag < kernels.size(1); ++lag) {
        const int64_t source = t + sign * lag;
        if (source < offsets[row] || source >= offsets[row + 1]) break;
        for (int64_t channel = 0; channel < u.size(1); ++channel)
          out[t][channel] += taps[channel / share][lag] * in[source][channel];
      }
    }
  }
  return y;
}

double relative_difference(const at::Tensor& found, const at::Tensor& expected) {
  return (found.to(at::kDouble) - expected).abs().max().item<double>() /
         expected.abs().max().item<double>();
}

/// Rows of 1, 1, 2, 0, 3, 5, 5, 5, 64 and 90 tokens.
const std::vector<int64_t> kOffsets{0, 1, 2, 4, 4, 7, 12, 17, 22, 86, 176};

TEST_CASE("fft convolution: equals the sum, row by row, both ways, however kernels are shared") {
  const int64_t channels = 6;
  const at::Tensor u = random_tensor("u", {kOffsets.back(), channels});
  for (const int64_t groups : {1, 2, 6}) {
    for (const int64_t taps : {1, 4, 90, 300}) {
      const at::Tensor kernels = random_tensor("kernels", {groups, taps});
      for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
        CAPTURE(groups);
        CAPTURE(taps);
        const at::Tensor expected = direct(u, kernels, kOffsets, direction);
        const at::Tensor exact = fft_convolution(u, kernels, kOffsets, direction);
        CHECK(relative_difference(exact, expected) < 1e-13);
        const at::Tensor found =
            fft_convolution(u.to(at::kFloat), kernels.to(at::kFloat), kOffsets, direction);
        CHECK((found.scalar_type() == at::kFloat));
        CHECK(relative_difference(found, expected) < 1e-6);
        const at::Tensor product = toeplitz_convolution(u, kernels, kOffsets, direction);
        CHECK(relative_difference(product, expected) < 1e-13);
      }
    }
  }
}

TEST_CASE("long convolution: short and long rows, in float32, with their gradients") {
  const at::Tensor u = random_tensor("u", {kOffsets.back(), 32}).to(at::kFloat);
  const at::Tensor kernels = random_tensor("kernels", {2, 90}).to(at::kFloat);
  const at::Tensor exact_u = u.to(at::kDouble), exact_kernels = kernels.to(at::kDouble);
  for (const int64_t longest : {90, 1000}) {
    std::vector<int64_t> offsets = kOffsets;
    at::Tensor in = u, exact = exact_u;
    if (longest > 90) {
      offsets.push_back(kOffsets.back() + longest);
      in = random_tensor("longer", {offsets.back(), 32}).to(at::kFloat);
      exact = in.to(at::kDouble);
    }
    const at::Tensor weights = random_tensor("weights", in.sizes());
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      CHECK(relative_difference(long_convolution(in, kernels, offsets, direction),
                                direct(exact, exact_kernels, offsets, direction)) < 1e-6);
      const auto expected =
          fft_convolution_backward(weights, exact, exact_kernels, offsets, direction);
      const auto found =
          long_convolution_backward(weights.to(at::kFloat), in, kernels, offsets, direction);
      CHECK(relative_difference(found.u, expected.u) < 1e-6);
      CHECK(relative_difference(found.kernels, expected.kernels) < 1e-6);
    }
  }
}

TEST_CASE("fft convolution: an input that is a view of a wider tensor") {
  const at::Tensor wide = random_tensor("u", {kOffsets.back(), 6});
  const at::Tensor u = wide.slice(1, 2, 4);
  const at::Tensor kernels = random_tensor("kernels", {1, 90});
  CHECK(relative_difference(fft_convolution(u, kernels, kOffsets, Direction::kForward),
                            direct(u, kernels, kOffsets, Direction::kForward)) < 1e-13);
}

TEST_CASE("fft convolution: one thread or two, and the same bits each time") {
  const at::Tensor u = random_tensor("u", {kOffsets.back(), 64});
  const at::Tensor kernels = random_tensor("kernels", {1, 90});
  const at::Tensor expected = direct(u, kernels, kOffsets, Direction::kBackward);
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    const auto run = [&] {
      return fft_convolution(u.to(at::kFloat), kernels.to(at::kFloat), kOffsets,
                             Direction::kBackward);
    };
    const at::Tensor found = run();
    CHECK(relative_difference(found, expected) < 1e-6);
    CHECK(found.equal(run()));
  }
}

/// The loss sum(weights y), whose gradient by y is `weights`.
double loss(const at::Tensor& weights, const at::Tensor& u, const at::Tensor& kernels,
            Direction direction) {
  return (weights * direct(u, kernels, kOffsets, direction)).sum().item<double>();
}

TEST_CASE("fft convolution: gradients equal differences of the sum written out") {
  constexpr int64_t kChannels = 4;
  const at::Tensor weights = random_tensor("weights", {kOffsets.back(), kChannels});
  at::Tensor u = random_tensor("u", {kOffsets.back(), kChannels});
  for (const int64_t groups : {1, 2, 4}) {
    for (const int64_t taps : {3, 90, 130}) {
      at::Tensor kernels = random_tensor("kernels", {groups, taps});
      for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
        CAPTURE(groups);
        CAPTURE(taps);
        const auto found = fft_convolution_backward(weights, u, kernels, kOffsets, direction);
        // The loss is linear in each value: one difference is the gradient itself.
        const auto check = [&](at::Tensor& x, const at::Tensor& gradient, int64_t step) {
          for (int64_t i = 0; i < x.numel(); i += step) {
            at::Tensor value = x.flatten()[i];
            const double old = value.item<double>();
            const double before = loss(weights, u, kernels, direction);
            value.fill_(old + 1);
            const double after = loss(weights, u, kernels, direction);
            value.fill_(old);
            CHECK(gradient.flatten()[i].item<double>() ==
                  doctest::Approx(after - before).epsilon(1e-9).scale(10));
          }
        };
        check(u, found.u, 61);
        check(kernels, found.kernels, 29);
        const auto other = toeplitz_convolution_backward(weights, u, kernels, kOffsets, direction);
        CHECK(relative_difference(other.u, found.u) < 1e-13);
        CHECK(relative_difference(other.kernels, found.kernels) < 1e-13);
      }
    }
  }
}

}  // namespace
}  // namespace ssmi::kernels
