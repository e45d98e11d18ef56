#include <ATen/ops/argmax.h>
#include <ATen/ops/cross_entropy_loss.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "ssmi/task/evaluate_tokens.h"
#include "ssmi/task/objective.h"
#include "ssmi/task/special_tokens.h"
#include "ssmi/task/windows.h"
#include "ssmi/train/work.h"

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

/// At most `tokens` tokens of the pieces, spread evenly over them, in batches of `at_once` pieces.
std::vector<task::TokenRows> validation_rows(const task::Documents& documents,
                                             const TrainConfig& config) {
  const std::vector<task::Piece> pieces = task::pieces(documents, config.length);
  int64_t total = 0;
  for (const task::Piece& piece : pieces)
    total += static_cast<int64_t>(piece.ids.size());
  const int64_t wanted = std::min(total, config.validation_tokens);
  const auto at_once = static_cast<size_t>(config.batch_tokens / config.length);
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

}  // namespace

Work token_work(const TrainConfig& config, const task::TokenCorpus& corpus,
                const text::Tokenizer& tokenizer, const model::Model& model) {
  const Objectives objectives(config, tokenizer);
  const auto windows =
      std::make_shared<task::Windows>(corpus.training.ids, config.length, config.seed);
  task::require_token_head(model, windows->at(0), tokenizer.vocab_size());
  if (config.objective == Objective::kNextToken) task::require_causal(model.info());
  const int64_t rows = config.batch_tokens / config.length;
  const auto held_out = validation_rows(corpus.validation, config);
  const auto loss = [=](const model::Model& model, int64_t step) -> StepLoss {
    const auto batch = objectives.batch(windows->rows((step - 1) * rows, rows), step);
    return {at::cross_entropy_loss(task::logits_at(model, batch), batch.labels),
            batch.batch.ids.numel()};
  };
  const auto validate = [=](const model::Model& model) {
    double surprise = 0, right = 0, count = 0;
    for (size_t index = 0; index < held_out.size(); ++index) {
      const auto batch = objectives.batch(held_out[index], -1 - static_cast<int64_t>(index));
      const auto tokens = static_cast<double>(batch.labels.numel());
      if (tokens == 0) continue;  // nothing but markers
      const at::Tensor logits = task::logits_at(model, batch);
      surprise += tokens * at::cross_entropy_loss(logits, batch.labels).item<double>();
      right += at::argmax(logits, 1).eq(batch.labels).sum().item<double>();
      count += tokens;
    }
    if (count == 0) return Json::object();  // no package is held out
    return Json{{"validation_loss", surprise / count}, {"validation_accuracy", right / count}};
  };
  return {loss, validate};
}

}  // namespace ssmi::train
