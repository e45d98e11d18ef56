#include "ssmi/task/evaluate_tokens.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/log_softmax.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "ssmi/core/error.h"
#include "ssmi/model/forward_rows.h"

namespace ssmi::task {
namespace {

/// Throws where the head is none that names tokens.
void check_head(const model::Model& model) {
  const model::ModelInfo info = model.info();
  if (std::ranges::find(info.sites, model::Site::kLogits) == info.sites.end() ||
      info.logits_per_row) {
    fail(ExitCode::kMismatch,
         "the model ({}) has no head that names tokens; take a checkpoint of masked or causal "
         "language modelling",
         info.architecture);
  }
}

void check_width(const at::Tensor& logits, int64_t vocab_size) {
  if (logits.size(1) >= vocab_size) return;
  fail(ExitCode::kMismatch,
       "the model's head gives {} values a token, its tokenizer has {} tokens: it is none that "
       "names tokens",
       logits.size(1), vocab_size);
}

TokenBatch batch_of(const Piece& piece, size_t index, const TokenTask& task) {
  if (task.masking == nullptr) return next_token_batch({piece.ids});
  Random random(task.seed, fmt::format("masks of piece {}", index));
  return task.masking->batch({piece.ids}, random);
}

/// Single rows as one batch.
TokenBatch joined(const std::vector<TokenBatch>& rows) {
  TokenBatch out;
  out.batch.offsets = {0};
  std::vector<at::Tensor> ids, positions, labels;
  for (const TokenBatch& row : rows) {
    ids.push_back(row.batch.ids);
    positions.push_back(row.positions + out.batch.offsets.back());
    labels.push_back(row.labels);
    out.batch.offsets.push_back(out.batch.offsets.back() + row.batch.ids.numel());
  }
  out.batch.ids = at::cat(ids);
  out.positions = at::cat(positions);
  out.labels = at::cat(labels);
  return out;
}

struct Answers {
  std::vector<uint8_t> correct;
  std::vector<double> surprise;  // nats
};

Answers model_answers(const model::Model& model, const TokenBatch& batch, int64_t vocab_size) {
  const at::Tensor asked = logits_at(model, batch).to(at::kFloat);
  check_width(asked, vocab_size);
  const at::Tensor labels = batch.labels.to(asked.device());
  const at::Tensor correct = at::argmax(asked, 1).eq(labels).cpu().contiguous();
  const at::Tensor surprise = at::log_softmax(asked, 1)
                                  .gather(1, labels.unsqueeze(1))
                                  .neg()
                                  .to(at::kDouble)
                                  .cpu()
                                  .contiguous();
  Answers answers;
  for (int64_t i = 0; i < correct.numel(); ++i) {
    answers.correct.push_back(correct.const_data_ptr<bool>()[i] ? 1 : 0);
    answers.surprise.push_back(surprise.const_data_ptr<double>()[i]);
    if (!std::isfinite(answers.surprise.back())) {
      bad_input("the model's answers are no finite numbers: its weights are damaged");
    }
  }
  return answers;
}

/// Of one row, whose true tokens are `ids`.
Answers table_answers(const NeighbourTable& table, std::span<const int64_t> ids,
                      const TokenBatch& row, bool masked) {
  const auto size = static_cast<int64_t>(ids.size());
  const auto near = [&](int64_t at) {
    return at < 0 || at >= size ? NeighbourTable::kNone : ids[static_cast<size_t>(at)];
  };
  Answers answers;
  for (int64_t i = 0; i < row.positions.numel(); ++i) {
    const int64_t at = row.positions.const_data_ptr<int64_t>()[i];
    const int64_t label = row.labels.const_data_ptr<int64_t>()[i];
    const int64_t first = near(at - 1), second = near(masked ? at + 1 : at);
    answers.correct.push_back(table.guess(first, second) == label ? 1 : 0);
    answers.surprise.push_back(-std::log(table.probability(first, second, label)));
  }
  return answers;
}

TokenScore score(const Answers& answers, int64_t begin, int64_t end) {
  TokenScore score;
  for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
    ++score.count;
    score.correct += answers.correct[i];
    score.surprise += answers.surprise[i];
  }
  return score;
}

std::vector<TokenScore> values(const std::map<int64_t, TokenScore>& by_document) {
  std::vector<TokenScore> scores;
  for (const auto& [document, score] : by_document)
    scores.push_back(score);
  return scores;
}

}  // namespace

TokenEvaluation evaluate_tokens(const model::Model& model, std::span<const Piece> pieces,
                                const TokenTask& task, int64_t vocab_size,
                                const NeighbourTable* table, Progress& progress) {
  const c10::InferenceMode no_gradients;
  check_head(model);
  std::map<int64_t, TokenScore> by_model, by_table;
  progress.begin("evaluating", "pieces", pieces.size());
  for (size_t first = 0; first < pieces.size();) {
    std::vector<TokenBatch> rows;
    for (int64_t tokens = 0; first + rows.size() < pieces.size() && tokens < task.batch_tokens;) {
      const size_t index = first + rows.size();
      rows.push_back(batch_of(pieces[index], index, task));
      tokens += static_cast<int64_t>(pieces[index].ids.size());
    }
    const Answers answers = model_answers(model, joined(rows), vocab_size);
    int64_t begin = 0;
    for (size_t row = 0; row < rows.size(); ++row) {
      const int64_t document = pieces[first + row].document;
      const int64_t count = rows[row].positions.numel();
      by_model[document] += score(answers, begin, begin + count);
      begin += count;
      if (table == nullptr) continue;
      const auto& ids = pieces[first + row].ids;
      by_table[document] +=
          score(table_answers(*table, ids, rows[row], task.masking != nullptr), 0, count);
    }
    first += rows.size();
    progress.advance(rows.size());
    check_interrupted();
  }
  progress.end();
  return {values(by_model), values(by_table)};
}

at::Tensor logits_at(const model::Model& model, const TokenBatch& batch) {
  using model::Site;
  const at::Device device = model.device();
  const at::Tensor positions = batch.positions.to(device);
  at::Tensor logits;
  const std::vector<std::pair<Site, int64_t>> points{{Site::kBlockOutput, model.info().layers},
                                                     {Site::kLogits, 0}};
  const model::Tap tap(points, [&](Site site, int64_t, at::Tensor& value) {
    if (site == Site::kLogits) {
      logits = value;
    } else {
      value = value.index_select(0, positions);
    }
  });
  model.forward({batch.batch.ids.to(device), batch.batch.offsets}, tap);
  return logits;
}

void require_token_head(const model::Model& model, const std::vector<int64_t>& ids,
                        int64_t vocab_size) {
  const c10::InferenceMode no_gradients;
  check_head(model);
  const model::Batch row = model::pack({&ids, 1});
  const model::Batch there{row.ids.to(model.device()), row.offsets};
  check_width(model::value_at(model, there, {model::Site::kLogits, 0}), vocab_size);
}

void require_causal(const model::ModelInfo& info) {
  if (info.causal) return;
  fail(ExitCode::kMismatch,
       "the model ({}) sees the tokens behind the one it is at, so it has nothing to learn or show "
       "by "
       "naming the next one; the task mlm masks them",
       info.architecture);
}

}  // namespace ssmi::task
