#include <ATen/ops/embedding.h>
#include <ATen/ops/eye.h>

#include <cmath>
#include <set>
#include <utility>

#include "ssmi/train/work.h"
#include "support.h"
#include "tiny.h"

namespace ssmi::train {
namespace {

/// Its hidden states are its tokens' unit vectors; it remembers the tokens it was given.
class Watched : public model::Model {
 public:
  explicit Watched(int64_t vocab) : table_(at::eye(vocab)) {}
  model::ModelInfo info() const override {
    return {"watched", 1, table_.size(0), table_.size(0), {model::Site::kBlockOutput}, ""};
  }
  void visit(const model::ParameterVisitor&) override {}
  void forward(const model::Batch& batch, const model::Tap& tap) const override {
    for (int64_t i = 0; i < batch.ids.numel(); ++i)
      seen_.insert(batch.ids[i].item<int64_t>());
    at::Tensor x = at::embedding(table_, batch.ids);
    tap(model::Site::kBlockOutput, 1, x);
  }
  /// The tokens since the last call.
  std::set<int64_t> seen() const { return std::exchange(seen_, {}); }

 private:
  at::Tensor table_;
  mutable std::set<int64_t> seen_;
};

constexpr int64_t kPairs = 41;

TokenPairs numbered_pairs() {
  TokenPairs pairs;
  for (int64_t i = 0; i < kPairs; ++i) {
    pairs.queries.push_back({i});
    pairs.codes.push_back({i, i});
  }
  return pairs;
}

TEST_CASE("train tasks: an epoch has each item but those that validate once, in steps") {
  TrainConfig config = test::tiny_config();
  config.batch_tokens = 3 * config.length;
  const Work work = search_work(config, numbered_pairs());
  const Watched model(kPairs);
  work.validate(model);
  const auto validation = model.seen();
  CHECK(validation.size() == 2);  // one in twenty of 41
  std::vector<std::vector<std::set<int64_t>>> epochs(2);
  for (int64_t step = 1; step <= 26; ++step) {  // 39 / 3 steps an epoch
    work.loss(model, step);
    epochs[static_cast<size_t>((step - 1) / 13)].push_back(model.seen());
  }
  for (const auto& epoch : epochs) {
    std::set<int64_t> all = validation;
    for (const auto& step : epoch) {
      CHECK(step.size() == 3);
      all.insert(step.begin(), step.end());
    }
    CHECK(all.size() == kPairs);
  }
  CHECK(epochs[0] != epochs[1]);
  work.loss(model, 5);
  CHECK(model.seen() == epochs[0][4]);  // whatever came before
}

TEST_CASE("train tasks: the loss of code search is InfoNCE at a temperature of 0.05") {
  TrainConfig config = test::tiny_config();
  config.batch_tokens = 4 * config.length;
  TokenPairs pairs;
  for (int64_t i = 0; i < kPairs - 1; ++i) {
    pairs.queries.push_back({i, kPairs - 1});  // half of each embedding is common to all
    pairs.codes.push_back({kPairs - 1, i});
  }
  const Work work = search_work(config, pairs);
  const StepLoss loss = work.loss(Watched(kPairs), 1);
  // Similarity 1 to the own code, 1/2 to the three others.
  const double wanted = std::log1p(3 * std::exp(-0.5 / 0.05));
  CHECK(std::abs(loss.value.item<double>() - wanted) < 0.01 * wanted);
  CHECK(loss.tokens == 4 * 4);
  const Json found = work.validate(Watched(kPairs));
  CHECK(found.at("validation_accuracy").get<double>() == 1);
}

TEST_CASE("train tasks: fewer items than a step are refused") {
  TrainConfig config = test::tiny_config();
  config.batch_tokens = 41 * config.length;
  ssmi::test::check_fails(ExitCode::kMismatch, "41 items are too few for steps of 41",
                          [&] { search_work(config, numbered_pairs()); });
}

}  // namespace
}  // namespace ssmi::train
