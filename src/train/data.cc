#include "ssmi/train/data.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "ssmi/task/special_tokens.h"
#include "ssmi/task/windows.h"

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

Batches make_batches(const TrainConfig& config, const task::TokenCorpus& corpus,
                     const text::Tokenizer& tokenizer) {
  const Objectives objectives(config, tokenizer);
  const auto windows =
      std::make_shared<task::Windows>(corpus.training.ids, config.length, config.seed);
  const int64_t rows = config.batch_tokens / config.length;
  const auto held_out = std::make_shared<const std::vector<task::TokenRows>>(
      validation_rows(corpus.validation, config));
  return {.training =
              [=](int64_t step) {
                return objectives.batch(windows->rows((step - 1) * rows, rows), step);
              },
          .validation =
              [=](int64_t index) {
                return objectives.batch((*held_out)[static_cast<size_t>(index)], -1 - index);
              },
          .validation_count = static_cast<int64_t>(held_out->size())};
}

}  // namespace ssmi::train
