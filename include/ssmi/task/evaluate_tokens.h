#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ssmi/core/progress.h"
#include "ssmi/model/model.h"
#include "ssmi/task/masking.h"
#include "ssmi/task/metrics.h"
#include "ssmi/task/neighbour_table.h"
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
/// empty without a table. Throws Error{kMismatch} as require_token_head() does.
TokenEvaluation evaluate_tokens(const model::Model& model, std::span<const Piece> pieces,
                                const TokenTask& task, int64_t vocab_size,
                                const NeighbourTable* table, Progress& progress);

/// The logits at the batch's positions, [M, V], on the model's device: the head is not given the
/// other tokens. Gradients pass.
at::Tensor logits_at(const model::Model& model, const TokenBatch& batch);

/// Throws Error{kMismatch} where the model has no head that names tokens of a vocabulary of
/// `vocab_size`. `ids` is any row.
void require_token_head(const model::Model& model, const std::vector<int64_t>& ids,
                        int64_t vocab_size);

/// Throws Error{kMismatch} for a model that sees the tokens it would have to name next.
void require_causal(const model::ModelInfo& info);

}  // namespace ssmi::task
