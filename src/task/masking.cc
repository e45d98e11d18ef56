#include "ssmi/task/masking.h"

#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include "ssmi/core/error.h"

namespace ssmi::task {

Masking::Masking(const SpecialTokens& special, int64_t vocab_size)
    : mask_(special.mask.value_or(-1)), special_(static_cast<size_t>(vocab_size)) {
  if (mask_ < 0 || mask_ >= vocab_size) {
    fail(ExitCode::kMismatch,
         "masked-language modelling needs a mask token; the tokenizer has neither <mask> nor "
         "[MASK] among its {} tokens",
         vocab_size);
  }
  for (int64_t id = 0; id < vocab_size; ++id) {
    const bool is_special = special.contains(id);
    special_[static_cast<size_t>(id)] = is_special;
    if (!is_special) ordinary_.push_back(id);
  }
  if (ordinary_.empty()) {
    fail(ExitCode::kMismatch, "all {} tokens of the vocabulary are special", vocab_size);
  }
}

TokenBatch Masking::batch(TokenRows rows, Random& random) const {
  TokenBatch out{model::pack(rows), {}, {}};
  const int64_t count = out.batch.ids.numel();
  auto* ids = out.batch.ids.data_ptr<int64_t>();
  std::vector<int64_t> candidates, positions, labels;
  for (int64_t i = 0; i < count; ++i)
    if (!special_[static_cast<size_t>(ids[i])]) candidates.push_back(i);
  for (const int64_t i : candidates)
    if (random.uniform() < kShare) positions.push_back(i);
  if (positions.empty() && !candidates.empty()) {
    positions.push_back(candidates[random.below(candidates.size())]);
  }
  for (const int64_t i : positions) {
    labels.push_back(ids[i]);
    const double choice = random.uniform();
    if (choice < kMasked) {
      ids[i] = mask_;
    } else if (choice < kMasked + kReplaced) {
      ids[i] = ordinary_[random.below(ordinary_.size())];
    }
  }
  out.positions = at::tensor(positions, at::kLong);
  out.labels = at::tensor(labels, at::kLong);
  return out;
}

Random masking_stream(uint64_t seed, int64_t step) {
  return {seed, fmt::format("masks of step {}", step)};
}

TokenBatch next_token_batch(const TokenRows& rows) {
  TokenBatch out{model::pack(rows), {}, {}};
  const auto* ids = out.batch.ids.const_data_ptr<int64_t>();
  std::vector<int64_t> positions, labels;
  for (size_t row = 0; row < rows.size(); ++row) {
    for (int64_t i = out.batch.offsets[row]; i + 1 < out.batch.offsets[row + 1]; ++i) {
      positions.push_back(i);
      labels.push_back(ids[i + 1]);
    }
  }
  out.positions = at::tensor(positions, at::kLong);
  out.labels = at::tensor(labels, at::kLong);
  return out;
}

}  // namespace ssmi::task
