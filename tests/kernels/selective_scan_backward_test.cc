#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>

#include <utility>
#include <vector>

#include "kernels/random_tensor.h"
#include "kernels/selective_scan_fused.h"
#include "ssmi/kernels/selective_scan.h"
#include "support.h"

namespace ssmi::kernels {
namespace {

using test::random_tensor;

/// Rows of 1, 5, 0, 33 and 70 tokens.
const std::vector<int64_t> kOffsets{0, 1, 6, 6, 39, 109};
constexpr Direction kDirections[] = {Direction::kForward, Direction::kBackward};

SelectiveScan random_scan(int64_t channels, int64_t states, bool full) {
  Random random(3, "scan");
  const int64_t tokens = kOffsets.back();
  const at::Tensor maps = random_tensor(random, {tokens, 3 + 2 * states}, -1, 1);
  SelectiveScan scan{.u = random_tensor(random, {tokens, channels}, -1, 1),
                     .delta = random_tensor(random, {tokens, channels}, 0.001, 2),
                     .a = random_tensor(random, {channels, states}, -3, -0.01),
                     .b = maps.slice(1, 3, 3 + states),
                     .c = maps.slice(1, 3 + states)};
  if (!full) return scan;
  scan.delta = random_tensor(random, {tokens, channels}, -9, 5);
  scan.softplus = true;
  scan.step_floor = 1e-2;
  scan.skip = random_tensor(random, {channels}, -1, 1);
  scan.onto = random_tensor(random, {tokens, channels}, -1, 1);
  scan.gate = random_tensor(random, {tokens, 2 * channels}, -9, 9).slice(1, channels);
  return scan;
}

/// Each input beside its gradient.
std::vector<std::pair<at::Tensor*, at::Tensor>> pairs(SelectiveScan& scan,
                                                      const SelectiveScanGradients& found) {
  return {{&scan.u, found.u},       {&scan.delta, found.delta}, {&scan.a, found.a},
          {&scan.b, found.b},       {&scan.c, found.c},         {&scan.skip, found.skip},
          {&scan.onto, found.onto}, {&scan.gate, found.gate}};
}

TEST_CASE("scan backward: the reference equals differences of the scan along random directions") {
  for (const bool full : {false, true}) {
    SelectiveScan scan = random_scan(3, 4, full);
    Random random(8, "weights");
    const at::Tensor weights = random_tensor(random, scan.u.sizes(), -1, 1);
    for (const Direction direction : kDirections) {
      const auto found = selective_scan_backward_reference(weights, scan, kOffsets, direction);
      const auto loss = [&] {
        return (weights * selective_scan_reference(scan, kOffsets, direction)).sum().item<double>();
      };
      for (const auto& [x, gradient] : pairs(scan, found)) {
        CHECK(x->defined() == gradient.defined());
        if (!x->defined()) continue;
        const at::Tensor old = *x, along = random_tensor(random, old.sizes(), -1, 1);
        constexpr double kStep = 1e-5;
        *x = old + kStep * along;
        const double after = loss();
        *x = old - kStep * along;
        const double before = loss();
        *x = old;
        CHECK((gradient * along).sum().item<double>() ==
              doctest::Approx((after - before) / (2 * kStep))
                  .epsilon(1e-7)
                  .scale(gradient.norm().item<double>()));
      }
    }
  }
}

SelectiveScan as_float(SelectiveScan scan) {
  for (at::Tensor* x :
       {&scan.u, &scan.delta, &scan.a, &scan.b, &scan.c, &scan.skip, &scan.onto, &scan.gate})
    *x = test::as_float(*x);
  return scan;
}

TEST_CASE("scan backward: the fused kernel equals the reference at every width, threads or not") {
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    for (const auto& [channels, states] :
         std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {8, 4}, {37, 5}, {100, 16}}) {
      for (const bool full : {false, true}) {
        CAPTURE(channels);
        CAPTURE(full);
        SelectiveScan scan = random_scan(channels, states, full);
        Random random(9, "weights");
        const at::Tensor weights = random_tensor(random, scan.u.sizes(), -1, 1);
        for (const Direction direction : kDirections) {
          const auto exact = selective_scan_backward_reference(weights, scan, kOffsets, direction);
          const auto found = selective_scan_backward_fused(weights.to(at::kFloat), as_float(scan),
                                                           kOffsets, direction);
          SelectiveScan shown = scan;
          const auto expected = pairs(shown, exact), fused = pairs(shown, found);
          for (size_t i = 0; i < expected.size(); ++i) {
            CAPTURE(i);
            CHECK(expected[i].second.defined() == fused[i].second.defined());
            if (!expected[i].second.defined()) continue;
            // Sums of some hundred terms, each rounded to 6e-8 of itself.
            const double largest = expected[i].second.abs().max().item<double>();
            CHECK(test::largest_difference(fused[i].second, expected[i].second) < 2e-5 * largest);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace ssmi::kernels
