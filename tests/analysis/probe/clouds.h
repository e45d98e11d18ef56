#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <cstdint>
#include <vector>

#include "ssmi/core/random.h"

namespace ssmi::test {

/// [n, d] float64 standard normals.
inline at::Tensor normals(int64_t n, int64_t d, Random& random) {
  at::Tensor x = at::empty({n, d}, at::kDouble);
  double* value = x.mutable_data_ptr<double>();
  for (int64_t i = 0; i < x.numel(); ++i)
    value[i] = random.normal();
  return x;
}

inline std::vector<int64_t> random_labels(int64_t n, int64_t classes, Random& random) {
  std::vector<int64_t> labels(static_cast<size_t>(n));
  for (int64_t& label : labels) {
    label = static_cast<int64_t>(random.below(static_cast<uint64_t>(classes)));
  }
  return labels;
}

/// [n, d] float64 from rows.
inline at::Tensor points(const std::vector<std::vector<double>>& rows) {
  const auto columns = rows.empty() ? 0 : static_cast<int64_t>(rows.front().size());
  at::Tensor x = at::empty({static_cast<int64_t>(rows.size()), columns}, at::kDouble);
  double* value = x.mutable_data_ptr<double>();
  for (const auto& row : rows) {
    for (const double entry : row)
      *value++ = entry;
  }
  return x;
}

}  // namespace ssmi::test
