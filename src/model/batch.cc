#include "ssmi/model/batch.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/stack.h>

#include <algorithm>

namespace ssmi::model {

Batch pack(std::span<const std::vector<int64_t>> rows) {
  Batch batch;
  batch.offsets.push_back(0);
  for (const auto& row : rows) {
    batch.offsets.push_back(batch.offsets.back() + static_cast<int64_t>(row.size()));
  }
  batch.ids = at::empty({batch.offsets.back()}, at::kLong);
  auto* out = batch.ids.data_ptr<int64_t>();
  for (const auto& row : rows)
    out = std::copy(row.begin(), row.end(), out);
  return batch;
}

int64_t longest_row(std::span<const int64_t> offsets) {
  int64_t longest = 0;
  for (size_t row = 0; row + 1 < offsets.size(); ++row)
    longest = std::max(longest, offsets[row + 1] - offsets[row]);
  return longest;
}

at::Tensor row_means(const at::Tensor& x, std::span<const int64_t> offsets) {
  std::vector<at::Tensor> means;
  for (size_t row = 0; row + 1 < offsets.size(); ++row)
    means.push_back(x.slice(0, offsets[row], offsets[row + 1]).mean(0));
  return at::stack(means);
}

}  // namespace ssmi::model
