#include "ssmi/kernels/selective_scan.h"

#include <ATen/Parallel.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "kernels/random_tensor.h"
#include "support.h"

namespace ssmi::kernels {
namespace {

using test::largest_difference;
using test::random_tensor;

SelectiveScan random_scan(int64_t tokens, int64_t channels, int64_t states) {
  Random random(3, "scan");
  return {.u = random_tensor(random, {tokens, channels}, -1, 1),
          .delta = random_tensor(random, {tokens, channels}, 0.001, 2),
          .a = random_tensor(random, {channels, states}, -3, -0.01),
          .b = random_tensor(random, {tokens, states}, -1, 1),
          .c = random_tensor(random, {tokens, states}, -1, 1)};
}

/// With everything that a scan can have, and what the models give it: parts of wider tensors.
SelectiveScan full_scan(int64_t tokens, int64_t channels, int64_t states) {
  SelectiveScan scan = random_scan(tokens, channels, states);
  Random random(4, "scan");
  const at::Tensor maps = random_tensor(random, {tokens, 3 + 2 * states}, -1, 1);
  scan.b = maps.slice(1, 3, 3 + states);
  scan.c = maps.slice(1, 3 + states);
  scan.delta = random_tensor(random, {tokens, channels}, -9, 5);
  scan.softplus = true;
  scan.step_floor = 1e-2;
  scan.skip = random_tensor(random, {channels}, -1, 1);
  scan.onto = random_tensor(random, {tokens, channels}, -1, 1);
  scan.gate = random_tensor(random, {tokens, 2 * channels}, -30, 30).slice(1, channels);
  return scan;
}

SelectiveScan as_float(SelectiveScan scan) {
  for (at::Tensor* x :
       {&scan.u, &scan.delta, &scan.a, &scan.b, &scan.c, &scan.skip, &scan.onto, &scan.gate})
    *x = test::as_float(*x);
  return scan;
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

TEST_CASE("scan: step sizes by softplus, skip, sum and gate equal the reference's") {
  const std::vector<int64_t> offsets{0, 1, 3, 64};
  for (const int64_t channels : {1, 16, 45, 96}) {
    CAPTURE(channels);
    const SelectiveScan scan = full_scan(64, channels, 5);
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      const at::Tensor expected = selective_scan_reference(scan, offsets, direction);
      const at::Tensor found = selective_scan_fused(as_float(scan), offsets, direction);
      CHECK(largest_difference(found, expected) < 1e-5 * expected.abs().max().item<double>());
    }
  }
}

TEST_CASE("scan: the output may take the place of any input of its size") {
  const std::vector<int64_t> offsets{0, 20, 50};
  const SelectiveScan scan = full_scan(50, 40, 3);
  const at::Tensor expected = selective_scan_fused(as_float(scan), offsets, Direction::kForward);
  for (at::Tensor SelectiveScan::*place :
       {&SelectiveScan::u, &SelectiveScan::delta, &SelectiveScan::onto, &SelectiveScan::gate}) {
    SelectiveScan one = as_float(scan);
    one.out = one.*place;
    CHECK(selective_scan(one, offsets, Direction::kForward).is_same(one.out));
    CHECK(largest_difference(one.out, expected) == 0);
  }
  SelectiveScan reference = full_scan(50, 40, 3);
  reference.out = reference.delta;
  selective_scan(reference, offsets, Direction::kForward);
  CHECK(largest_difference(reference.out, expected) < 1e-4);
}

TEST_CASE("scan: steps so long that a state is forgotten, and so short that it never is") {
  const std::vector<int64_t> offsets{0, 30};
  SelectiveScan scan = random_scan(30, 16, 4);
  scan.delta.fill_(1e4);  // exp(-100) .. exp(-30000): nothing of an earlier token is left
  scan.a -= 0.01;
  const at::Tensor last = selective_scan_fused(as_float(scan), offsets, Direction::kForward);
  const at::Tensor expected = selective_scan_reference(scan, offsets, Direction::kForward);
  CHECK(largest_difference(last, expected) < 1e-5 * expected.abs().max().item<double>());
  scan.delta.fill_(1e-12);
  const at::Tensor kept = selective_scan_fused(as_float(scan), offsets, Direction::kForward);
  const at::Tensor sum = selective_scan_reference(scan, offsets, Direction::kForward);
  CHECK(largest_difference(kept, sum) < 1e-5 * sum.abs().max().item<double>());
  scan.delta.select(0, 7).fill_(std::nan(""));
  const at::Tensor lost = selective_scan_fused(as_float(scan), offsets, Direction::kForward);
  CHECK(std::isfinite(lost[6][0].item<float>()));
  CHECK(std::isnan(lost[7][0].item<float>()));
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

TEST_CASE("scan: a step size below zero grows the state without bound") {
  SelectiveScan scan = as_float(random_scan(2, 8, 4));
  for (at::Tensor* x : {&scan.u, &scan.b, &scan.c})
    x->fill_(1);
  scan.a.fill_(-3);
  scan.delta[1].fill_(-60);  // exp(180) is beyond float32
  const at::Tensor y =
      selective_scan(scan, std::vector<int64_t>{0, 2}, Direction::kForward).contiguous();
  CHECK(std::isfinite(y[0][0].item<float>()));
  CHECK(y[1][0].item<float>() == std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace ssmi::kernels
