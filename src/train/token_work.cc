#include <ATen/ops/cross_entropy_loss.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "ssmi/task/evaluate_tokens.h"
#include "ssmi/task/masking.h"
#include "ssmi/task/special_tokens.h"
#include "ssmi/task/windows.h"
#include "ssmi/train/work.h"
#include "validation.h"

namespace ssmi::train {
namespace {

/// Rows become what the objective asks for; `stream` numbers the random choices.
class Objectives {
 public:
  Objectives(const TrainConfig& config, const text::Tokenizer& tokenizer) : seed_(config.seed) {
    if (config.objective == Objective::kNextToken) return;
    masking_.emplace(task::special_tokens(tokenizer), tokenizer.vocab_size());
  }

  task::TokenBatch batch(task::TokenRows rows, int64_t stream) const {
    if (!masking_) return task::next_token_batch(rows);
    Random random = task::masking_stream(seed_, stream);
    return masking_->batch(std::move(rows), random);
  }

 private:
  uint64_t seed_;
  std::optional<task::Masking> masking_;
};

/// At most `validation_tokens` tokens of the pieces, spread evenly over them, in batches of as many
/// as a step has.
std::vector<task::TokenRows> validation_rows(const task::Documents& documents,
                                             const TrainConfig& config) {
  const std::vector<task::Piece> pieces = task::pieces(documents, config.length);
  int64_t total = 0;
  for (const task::Piece& piece : pieces)
    total += static_cast<int64_t>(piece.ids.size());
  const int64_t wanted = std::min(total, config.validation_tokens);
  const auto at_once = static_cast<size_t>(config.rows());
  std::vector<task::TokenRows> batches;
  int64_t passed = 0, taken = 0;
  for (const task::Piece& piece : pieces) {
    passed += static_cast<int64_t>(piece.ids.size());
    if (static_cast<double>(taken) * static_cast<double>(total) >=
        static_cast<double>(passed) * static_cast<double>(wanted)) {
      continue;
    }
    taken += static_cast<int64_t>(piece.ids.size());
    if (batches.empty() || batches.back().size() == at_once) batches.emplace_back();
    batches.back().push_back(piece.ids);
  }
  return batches;
}

Judged judged(const model::Model& model, const task::TokenBatch& batch) {
  const at::Tensor logits = task::logits_at(model, batch);
  return {logits, batch.labels, at::cross_entropy_loss(logits, batch.labels),
          batch.batch.ids.numel()};
}

}  // namespace

Work token_work(const TrainConfig& config, const task::TokenCorpus& corpus,
                const text::Tokenizer& tokenizer, const model::Model& model) {
  const Objectives objectives(config, tokenizer);
  const auto windows =
      std::make_shared<task::Windows>(corpus.training.ids, config.length, config.seed);
  task::require_token_head(model, windows->at(0), tokenizer.vocab_size());
  if (config.objective == Objective::kNextToken) task::require_causal(model.info());
  const int64_t rows = config.rows();
  const auto held_out = validation_rows(corpus.validation, config);
  const auto loss = [=](const model::Model& model, int64_t step) -> StepLoss {
    const Judged found =
        judged(model, objectives.batch(windows->rows((step - 1) * rows, rows), step));
    return {found.loss, found.tokens};
  };
  const auto validate = [=](const model::Model& model) {
    Validation validation;
    for (size_t index = 0; index < held_out.size(); ++index) {
      const auto batch = objectives.batch(held_out[index], -1 - static_cast<int64_t>(index));
      if (batch.labels.numel() == 0) continue;  // nothing but markers
      validation.add(judged(model, batch));
    }
    return validation.result();
  };
  return {loss, validate};
}

}  // namespace ssmi::train
