#include "ssmi/kernels/attention.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "support.h"

namespace ssmi::kernels {
namespace {

using Offsets = std::vector<int64_t>;

const Offsets kOffsets{0, 3, 6, 7, 12};  // two rows of equal length first

Attention random_input(int64_t heads, int64_t groups, bool causal, int64_t window) {
  const at::Generator generator = at::detail::createCPUGenerator(11);
  const auto random = [&](int64_t count) {
    return at::randn({kOffsets.back(), count, 6}, generator, at::kDouble);
  };
  return {.query = random(heads),
          .key = random(groups),
          .value = random(groups),
          .scale = 0.7,
          .causal = causal,
          .window = window};
}

bool sees(const Attention& input, int64_t query, int64_t key) {
  if (!input.causal) return true;
  return key <= query && (input.window == 0 || key > query - input.window);
}

/// Vaswani et al. 2017, eq. 1, of one token and one head, by its letter: [W].
at::Tensor by_definition(const Attention& input, int64_t first, int64_t last, int64_t token,
                         int64_t head) {
  const int64_t group = head / (input.query.size(1) / input.key.size(1));
  at::Tensor sum = at::zeros({input.value.size(2)}, at::kDouble);
  double total = 0;
  for (int64_t other = first; other < last; ++other) {
    if (!sees(input, token, other)) continue;
    const double product =
        (input.query[token][head] * input.key[other][group]).sum().item<double>();
    const double weight = std::exp(product * input.scale);
    sum += weight * input.value[other][group];
    total += weight;
  }
  return sum / total;
}

double difference(const at::Tensor& one, const at::Tensor& other) {
  return (one - other).abs().max().item<double>();
}

struct Shape {
  int64_t heads, groups;
  bool causal;
  int64_t window;
};

const std::vector<Shape> kShapes{{4, 4, false, 0}, {4, 2, false, 0}, {4, 4, true, 0},
                                 {6, 2, true, 0},  {4, 1, true, 2},  {2, 2, true, 9}};

TEST_CASE("attention: both ways equal the definition") {
  for (const auto& [heads, groups, causal, window] : kShapes) {
    CAPTURE(heads);
    CAPTURE(groups);
    CAPTURE(window);
    const Attention input = random_input(heads, groups, causal, window);
    const at::Tensor fused = attention(input, kOffsets).unflatten(1, {heads, -1});
    const at::Tensor plain = attention_reference(input, kOffsets).unflatten(1, {heads, -1});
    for (size_t row = 0; row + 1 < kOffsets.size(); ++row) {
      for (int64_t token = kOffsets[row]; token < kOffsets[row + 1]; ++token) {
        for (int64_t head = 0; head < heads; ++head) {
          const at::Tensor expected =
              by_definition(input, kOffsets[row], kOffsets[row + 1], token, head);
          CHECK(difference(fused[token][head], expected) < 1e-12);
          CHECK(difference(plain[token][head], expected) < 1e-12);
        }
      }
    }
  }
}

TEST_CASE("attention: probabilities are of each row, sum to 1 and are used when replaced") {
  const Attention input = random_input(4, 2, true, 2);
  Offsets lengths;
  const at::Tensor mixed = attention_reference(input, kOffsets, [&](at::Tensor& weights) {
    lengths.push_back(weights.size(2));
    CHECK(weights.size(0) == 4);
    CHECK(difference(weights.sum(-1), at::zeros({}, at::kDouble) + 1) < 1e-12);
    weights = at::zeros_like(weights);
  });
  CHECK(lengths == Offsets{3, 3, 1, 5});
  CHECK(mixed.abs().max().item<double>() == 0);
}

}  // namespace
}  // namespace ssmi::kernels
