#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ssmi/core/progress.h"
#include "ssmi/model/model.h"
#include "ssmi/task/metrics.h"
#include "ssmi/task/neighbour_table.h"
#include "ssmi/task/objective.h"
#include "ssmi/task/windows.h"

namespace ssmi::task {

/// How tokens are judged.
struct TokenTask {
  const Masking* masking = nullptr;  ///< masked tokens; without it next tokens
  uint64_t seed = 1;                 ///< of the masks
  int64_t batch_tokens = 4096;       ///< that go through the model at once
};

/// Scores by document: [documents that have a piece], in their order.
struct TokenEvaluation {
  std::vector<TokenScore> model, baseline;
};

/// Names the masked (or next) tokens of each piece, masked by its own stream, by the model and by
/// the table, which sees a token's neighbours even where the model finds them masked; `baseline` is
/// empty without a table. Throws
/// Error{kMismatch} where the model's head does not name tokens of a vocabulary of `vocab_size`.
TokenEvaluation evaluate_tokens(const model::Model& model, std::span<const Piece> pieces,
                                const TokenTask& task, int64_t vocab_size,
                                const NeighbourTable* table, Progress& progress);

/// Throws Error{kMismatch} where what a model gives for a token changes with the tokens behind it:
/// it sees what it would have to name next. `ids` is a row of at least two.
void require_causal(const model::Model& model, const std::vector<int64_t>& ids);

}  // namespace ssmi::task
