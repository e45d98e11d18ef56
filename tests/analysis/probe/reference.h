#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace ssmi::test {

struct Bounds {
  double lower, upper;  ///< of the distance of two hulls
};

/// Pairwise Frank-Wolfe with exact line search: slow, plain, with a duality gap. Stops at a gap of
/// 1e-7 or after `steps`.
inline Bounds frank_wolfe(const at::Tensor& a, const at::Tensor& b, int steps = 200000) {
  const int64_t n = a.size(0), m = b.size(0), d = a.size(1);
  const auto row = [&](int64_t i) {
    return i < n ? a.const_data_ptr<double>() + i * d : b.const_data_ptr<double>() + (i - n) * d;
  };
  std::vector<double> weight(static_cast<size_t>(n + m), 0.0), x(static_cast<size_t>(d));
  weight[0] = weight[static_cast<size_t>(n)] = 1;
  Bounds bounds{0, 0};
  for (int step = 0; step < steps; ++step) {
    std::fill(x.begin(), x.end(), 0.0);
    for (int64_t i = 0; i < n + m; ++i) {
      const double signed_weight = (i < n ? 1 : -1) * weight[static_cast<size_t>(i)];
      for (int64_t k = 0; k < d; ++k)
        x[static_cast<size_t>(k)] += signed_weight * row(i)[k];
    }
    double square = 0, gap[2] = {0, 0};
    for (const double value : x)
      square += value * value;
    bounds.upper = std::sqrt(square);
    int64_t to[2] = {0, 0}, from[2] = {0, 0};
    double lowest[2];
    for (const int side : {0, 1}) {
      double low = 1e300, high = -1e300;
      for (int64_t i = side == 0 ? 0 : n; i < (side == 0 ? n : n + m); ++i) {
        double product = 0;
        for (int64_t k = 0; k < d; ++k)
          product += row(i)[k] * x[static_cast<size_t>(k)];
        product *= side == 0 ? 1 : -1;
        if (product < low) {
          low = product;
          to[side] = i;
        }
        if (weight[static_cast<size_t>(i)] > 0 && product > high) {
          high = product;
          from[side] = i;
        }
      }
      gap[side] = high - low;
      lowest[side] = low;
    }
    if (square > 0) bounds.lower = std::max(bounds.lower, (lowest[0] + lowest[1]) / bounds.upper);
    if (bounds.upper - bounds.lower <= 1e-7 * bounds.upper || square < 1e-20) break;
    const int side = gap[0] >= gap[1] ? 0 : 1;
    double length = 0;
    for (int64_t k = 0; k < d; ++k) {
      const double edge = row(to[side])[k] - row(from[side])[k];
      length += edge * edge;
    }
    double& source = weight[static_cast<size_t>(from[side])];
    const double move = std::min(source, gap[side] / length);
    weight[static_cast<size_t>(to[side])] += move;
    source -= move;
  }
  return bounds;
}

}  // namespace ssmi::test
