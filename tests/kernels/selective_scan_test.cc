#include "ssmi/kernels/selective_scan.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/max.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

#include "ssmi/core/random.h"
#include "ssmi/kernels/short_convolution.h"
#include "support.h"

namespace ssmi::kernels {
namespace {

at::Tensor random_tensor(Random& random, at::IntArrayRef shape, double low, double high) {
  at::Tensor tensor = at::empty(shape, at::kDouble);
  auto* data = tensor.data_ptr<double>();
  for (int64_t i = 0; i < tensor.numel(); ++i)
    data[i] = low + (high - low) * random.uniform();
  return tensor;
}

SelectiveScan random_scan(int64_t tokens, int64_t channels, int64_t states) {
  Random random(3, "scan");
  return {random_tensor(random, {tokens, channels}, -1, 1),
          random_tensor(random, {tokens, channels}, 0.001, 2),
          random_tensor(random, {channels, states}, -3, -0.01),
          random_tensor(random, {tokens, states}, -1, 1),
          random_tensor(random, {tokens, states}, -1, 1)};
}

SelectiveScan as_float(const SelectiveScan& scan) {
  return {scan.u.to(at::kFloat), scan.delta.to(at::kFloat), scan.a.to(at::kFloat),
          scan.b.to(at::kFloat), scan.c.to(at::kFloat)};
}

double largest_difference(const at::Tensor& x, const at::Tensor& y) {
  return (x.to(at::kDouble) - y.to(at::kDouble)).abs().max().item<double>();
}

/// The scan as a sum over all earlier tokens, written out: no recurrence.
at::Tensor unrolled(const SelectiveScan& scan, std::span<const int64_t> offsets, bool backward) {
  at::Tensor y = at::zeros_like(scan.u);
  const auto u = scan.u.accessor<double, 2>(), delta = scan.delta.accessor<double, 2>(),
             a = scan.a.accessor<double, 2>(), b = scan.b.accessor<double, 2>(),
             c = scan.c.accessor<double, 2>();
  auto out = y.accessor<double, 2>();
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    for (int64_t t = offsets[row]; t < offsets[row + 1]; ++t) {
      for (int64_t j = backward ? t : offsets[row]; j < (backward ? offsets[row + 1] : t + 1);
           ++j) {
        for (int64_t e = 0; e < u.size(1); ++e) {
          double steps = 0;  // between token j, excluded, and token t, included
          for (int64_t k = std::min(t, j + 1); k < std::max(t + 1, j); ++k) {
            if (k != j) steps += delta[k][e];
          }
          for (int64_t n = 0; n < a.size(1); ++n) {
            out[t][e] += c[t][n] * std::exp(a[e][n] * steps) * delta[j][e] * b[j][n] * u[j][e];
          }
        }
      }
    }
  }
  return y;
}

TEST_CASE("scan: the reference equals the sum over earlier tokens, row by row") {
  const std::vector<int64_t> offsets{0, 1, 6, 18};
  const SelectiveScan scan = random_scan(18, 3, 4);
  for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
    const at::Tensor expected = unrolled(scan, offsets, direction == Direction::kBackward);
    CHECK(largest_difference(selective_scan_reference(scan, offsets, direction), expected) < 1e-12);
  }
}

TEST_CASE("scan: the fused kernel equals the reference at every width") {
  const std::vector<int64_t> offsets{0, 1, 30, 30, 117};
  for (const int64_t channels : {1, 7, 16, 37, 64}) {
    for (const int64_t states : {1, 16, 17}) {
      const SelectiveScan scan = random_scan(117, channels, states);
      for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
        const at::Tensor expected = selective_scan_reference(scan, offsets, direction);
        const at::Tensor found = selective_scan_fused(as_float(scan), offsets, direction);
        CAPTURE(channels);
        CAPTURE(states);
        CHECK(largest_difference(found, expected) < 1e-5 * expected.abs().max().item<double>());
      }
    }
  }
}

TEST_CASE("scan: float64 takes the reference, float32 the fused kernel") {
  const std::vector<int64_t> offsets{0, 20};
  const SelectiveScan scan = random_scan(20, 5, 3);
  CHECK((selective_scan(scan, offsets, Direction::kForward).scalar_type() == at::kDouble));
  const at::Tensor fused = selective_scan_fused(as_float(scan), offsets, Direction::kForward);
  CHECK(largest_difference(selective_scan(as_float(scan), offsets, Direction::kForward), fused) ==
        0);
}

TEST_CASE("threads: at::parallel_for runs on two threads at once") {
  at::set_num_threads(2);
  std::atomic<int> arrived = 0;
  std::atomic<bool> together = true;
  at::parallel_for(0, 2, 1, [&](int64_t, int64_t) {
    ++arrived;
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (arrived < 2 && together) {  // a serial run would wait for itself
      if (std::chrono::steady_clock::now() > limit) together = false;
      std::this_thread::yield();
    }
  });
  CHECK(arrived == 2);
  CHECK(together);
}

TEST_CASE("convolution: rows see zeros beyond their ends") {
  Random random(5, "conv");
  const std::vector<int64_t> offsets{0, 1, 3, 12};
  const at::Tensor x = random_tensor(random, {12, 3}, -1, 1);
  const at::Tensor weight = random_tensor(random, {3, 1, 4}, -1, 1);
  const at::Tensor bias = random_tensor(random, {3}, -1, 1);
  const int64_t left = 1;
  const at::Tensor y = short_convolution(x, weight, bias, left, offsets);
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    for (int64_t t = offsets[row]; t < offsets[row + 1]; ++t) {
      for (int64_t e = 0; e < 3; ++e) {
        double expected = bias[e].item<double>();
        for (int64_t k = 0; k < 4; ++k) {
          const int64_t source = t + k - left;
          if (source < offsets[row] || source >= offsets[row + 1]) continue;
          expected += weight[e][0][k].item<double>() * x[source][e].item<double>();
        }
        CHECK(y[t][e].item<double>() == doctest::Approx(expected).epsilon(1e-12));
      }
    }
  }
}

}  // namespace
}  // namespace ssmi::kernels
