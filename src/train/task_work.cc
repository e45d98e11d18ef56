#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/matmul.h>

#include <c10/core/GradMode.h>

#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "ssmi/core/error.h"
#include "ssmi/core/random.h"
#include "ssmi/task/embedding.h"
#include "ssmi/train/work.h"
#include "validation.h"

namespace ssmi::train {
namespace {

constexpr size_t kValidationShare = 20;
constexpr double kTemperature = 0.05;

using Items = std::span<const size_t>;

/// Items of a set, some of which validate; the others come in another order each epoch.
class Deck {
 public:
  Deck(size_t items, const TrainConfig& config)
      : seed_(config.seed), rows_(static_cast<size_t>(config.rows())) {
    const std::vector<size_t> all = Random(seed_, "validation").permutation(items);
    const size_t held_out = std::max<size_t>(1, items / kValidationShare);
    if (items < held_out + rows_) {
      fail(ExitCode::kMismatch, "{} items are too few for steps of {}", items, rows_);
    }
    validation_.assign(all.begin(), all.begin() + static_cast<ptrdiff_t>(held_out));
    training_.assign(all.begin() + static_cast<ptrdiff_t>(held_out), all.end());
  }

  /// The items of a step, until the next call. What an epoch has left over is less than a step, and
  /// another each time.
  Items items(int64_t step) {
    const size_t per_epoch = training_.size() / rows_, index = static_cast<size_t>(step - 1);
    turn_to(index / per_epoch);
    return std::span(order_).subspan(index % per_epoch * rows_, rows_);
  }

  size_t rows() const { return rows_; }

  /// Calls visit(items) for a step's worth of those that validate at a time; what is left over,
  /// where it is fewer than `fewest`, is left out unless it is all there is.
  template <typename Visit>
  void visit_validation(size_t fewest, Visit visit) const {
    for (size_t first = 0; first < validation_.size(); first += rows_) {
      const size_t count = std::min(rows_, validation_.size() - first);
      if (count < fewest && first > 0) return;
      visit(std::span(validation_).subspan(first, count));
    }
  }

 private:
  void turn_to(size_t epoch) {
    if (epoch == epoch_) return;
    epoch_ = epoch;
    order_ = training_;
    Random(seed_, "epoch/" + std::to_string(epoch)).shuffle(std::span(order_));
  }

  uint64_t seed_;
  size_t rows_;
  std::vector<size_t> training_, validation_;
  std::optional<size_t> epoch_;
  std::vector<size_t> order_;  // of the epoch's items
};

/// The work whose losses `judge` gives for items of a deck; it validates on at least `fewest`.
template <typename Judge>
Work deck_work(const std::shared_ptr<Deck>& deck, size_t fewest, Judge judge) {
  const auto loss = [=](const model::Model& model, int64_t step) -> StepLoss {
    const Judged judged = judge(model, deck->items(step));
    return {judged.loss, judged.tokens};
  };
  const auto validate = [=](const model::Model& model) {
    Validation validation;
    deck->visit_validation(fewest, [&](Items items) { validation.add(judge(model, items)); });
    return validation.result();
  };
  return {loss, validate};
}

/// The embeddings of some rows, and how many tokens they have.
std::pair<at::Tensor, int64_t> embedded(const model::Model& model,
                                        const std::vector<std::vector<int64_t>>& rows,
                                        Items items) {
  std::vector<std::vector<int64_t>> chosen;
  for (const size_t item : items)
    chosen.push_back(rows[item]);
  const model::Batch batch = model::pack(chosen);
  return {task::embeddings(model, batch), batch.ids.numel()};
}

}  // namespace

Work types_work(const TrainConfig& config, std::vector<task::TypedFunction> functions,
                int64_t labels, const model::Model& model) {
  {
    const at::NoGradGuard no_gradients;
    task::place_logits(model, task::type_batch({functions.data(), 1}), labels);
  }
  const auto deck = std::make_shared<Deck>(functions.size(), config);
  const auto all = std::make_shared<const std::vector<task::TypedFunction>>(std::move(functions));
  return deck_work(deck, 1, [=](const model::Model& model, Items items) {
    std::vector<task::TypedFunction> chosen;
    for (const size_t item : items)
      chosen.push_back((*all)[item]);
    const task::TypeBatch batch = task::type_batch(chosen);
    const at::Tensor scores = task::place_logits(model, batch, labels);
    return Judged{scores, batch.labels, at::cross_entropy_loss(scores, batch.labels),
                  batch.batch.ids.numel()};
  });
}

Work search_work(const TrainConfig& config, TokenPairs pairs) {
  const auto deck = std::make_shared<Deck>(pairs.queries.size(), config);
  if (deck->rows() < 2) {
    fail(ExitCode::kMismatch,
         "steps of one pair have nothing to tell it from: 'batch_tokens' should "
         "be several times 'length'");
  }
  const auto all = std::make_shared<const TokenPairs>(std::move(pairs));
  // Among fewer codes the right one is easier to find.
  return deck_work(deck, deck->rows(), [=](const model::Model& model, Items items) {
    const auto [queries, query_tokens] = embedded(model, all->queries, items);
    const auto [codes, code_tokens] = embedded(model, all->codes, items);
    const at::Tensor scores = at::matmul(queries, codes.t()) / kTemperature;  // [pairs, pairs]
    const at::Tensor labels = at::arange(scores.size(0), at::kLong);
    const at::Tensor loss =
        (at::cross_entropy_loss(scores, labels) + at::cross_entropy_loss(scores.t(), labels)) / 2;
    return Judged{scores, labels, loss, query_tokens + code_tokens};
  });
}

}  // namespace ssmi::train
