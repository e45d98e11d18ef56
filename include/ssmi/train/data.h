#pragma once

#include <cstdint>
#include <functional>

#include "ssmi/task/corpus.h"
#include "ssmi/task/objective.h"
#include "ssmi/train/config.h"

namespace ssmi::train {

/// Where a run's tokens come from. Both are pure functions, so that a run goes on from any step.
struct Batches {
  std::function<task::TokenBatch(int64_t step)> training;     ///< steps from 1
  std::function<task::TokenBatch(int64_t index)> validation;  ///< index from 0
  int64_t validation_count;                                   ///< batches
};

/// The batches of a corpus, which must outlive them. Validation has pieces spread evenly over the
/// held-out documents, masked alike each time. Throws Error{kMismatch} when the corpus has fewer
/// tokens than a window, or the tokenizer no mask that the objective needs.
Batches make_batches(const TrainConfig& config, const task::TokenCorpus& corpus,
                     const text::Tokenizer& tokenizer);

}  // namespace ssmi::train
