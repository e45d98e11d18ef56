#include "ssmi/model/batch.h"

#include <ATen/ops/empty.h>

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

}  // namespace ssmi::model
