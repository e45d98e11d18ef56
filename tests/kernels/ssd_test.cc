#include "ssmi/kernels/ssd.h"

#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <vector>

#include "kernels/random_tensor.h"
#include "support.h"

namespace ssmi::kernels {
namespace {

using test::largest_difference;
using test::random_tensor;

StateSpaceDual random_dual(int64_t tokens, int64_t heads, int64_t width, int64_t groups,
                           int64_t states) {
  Random random(7, "ssd");
  const int64_t inner = heads * width, maps = groups * states;
  const at::Tensor all = random_tensor(random, {tokens, inner + 2 * maps}, -1, 1);
  return {.x = all.slice(1, 0, inner),
          .delta = random_tensor(random, {tokens, heads}, 0.001, 2),
          .a = random_tensor(random, {heads}, -3, -0.01),
          .b = all.slice(1, inner, inner + maps),
          .c = all.slice(1, inner + maps),
          .skip = random_tensor(random, {heads}, -1, 1),
          .groups = groups};
}

StateSpaceDual as_float(StateSpaceDual dual) {
  for (at::Tensor* x : {&dual.x, &dual.delta, &dual.a, &dual.b, &dual.c, &dual.skip})
    *x = test::as_float(*x);
  return dual;
}

/// y_t = sum over j <= t of (C_t . B_j) exp(a sum of later steps) delta_j x_j: the attention form.
at::Tensor attention(const StateSpaceDual& dual, std::span<const int64_t> offsets) {
  const int64_t heads = dual.a.size(0), width = dual.x.size(1) / heads;
  const int64_t states = dual.b.size(1) / dual.groups;
  at::Tensor y = at::zeros_like(dual.x);
  const auto x = dual.x.accessor<double, 2>(), delta = dual.delta.accessor<double, 2>(),
             b = dual.b.accessor<double, 2>(), c = dual.c.accessor<double, 2>();
  auto out = y.accessor<double, 2>();
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    for (int64_t t = offsets[row]; t < offsets[row + 1]; ++t) {
      for (int64_t e = 0; e < heads * width; ++e) {
        const int64_t head = e / width, map = head / (heads / dual.groups) * states;
        double steps = 0;
        for (int64_t j = t; j >= offsets[row]; --j) {
          double product = 0;
          for (int64_t n = 0; n < states; ++n)
            product += c[t][map + n] * b[j][map + n];
          out[t][e] +=
              product * std::exp(dual.a[head].item<double>() * steps) * delta[j][head] * x[j][e];
          steps += delta[j][head];
        }
        out[t][e] += dual.skip[head].item<double>() * x[t][e];
      }
    }
  }
  return y;
}

TEST_CASE("ssd: the reference equals its dual form, masked attention") {
  const std::vector<int64_t> offsets{0, 1, 3, 14};
  for (const int64_t groups : {1, 2, 4}) {
    const StateSpaceDual dual = random_dual(14, 4, 3, groups, 5);
    CHECK(largest_difference(ssd(dual, offsets), attention(dual, offsets)) < 1e-12);
  }
}

TEST_CASE("ssd: the fused kernel equals the reference at every width of a head") {
  const std::vector<int64_t> offsets{0, 1, 3, 3, 60};
  for (const int64_t width : {1, 5, 8, 32, 45}) {
    for (const int64_t states : {1, 7, 16}) {
      CAPTURE(width);
      CAPTURE(states);
      const StateSpaceDual dual = random_dual(60, 4, width, 2, states);
      const at::Tensor expected = ssd_reference(dual, offsets);
      const at::Tensor found = ssd(as_float(dual), offsets);
      CHECK((found.scalar_type() == at::kFloat));
      CHECK(largest_difference(found, expected) < 1e-5 * expected.abs().max().item<double>());
    }
  }
}

TEST_CASE("ssd: steps so long that a state is forgotten, and none at all") {
  const std::vector<int64_t> offsets{0, 20};
  StateSpaceDual dual = random_dual(20, 2, 8, 1, 4);
  for (const double step : {1e4, 0.0}) {
    dual.delta.fill_(step);
    const at::Tensor expected = ssd_reference(dual, offsets);
    CHECK(largest_difference(ssd(as_float(dual), offsets), expected) <
          1e-5 * expected.abs().max().item<double>());
  }
}

}  // namespace
}  // namespace ssmi::kernels
