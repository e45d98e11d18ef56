#include "ssmi/task/evaluate_tokens.h"

#include <ATen/ops/zeros.h>

#include <cmath>

#include "support.h"

namespace ssmi::task {
namespace {

constexpr int64_t kVocab = 10;
constexpr double kSharpness = 5;

/// Names for each token the one that `answer` says.
class Oracle : public model::Model {
 public:
  explicit Oracle(std::vector<int64_t> answer, int64_t labels = kVocab)
      : answer_(std::move(answer)), labels_(labels) {}

  model::ModelInfo info() const override {
    return {"oracle", 1, 1, kVocab, {model::Site::kBlockOutput, model::Site::kLogits}, ""};
  }
  void visit(const model::ParameterVisitor&) override {}
  void forward(const model::Batch& batch, const model::Tap& tap) const override {
    at::Tensor ids = batch.ids;  // its hidden states
    tap(model::Site::kBlockOutput, 1, ids);
    at::Tensor logits = at::zeros({ids.numel(), labels_});
    for (int64_t i = 0; i < ids.numel(); ++i)
      logits[i][answer_[static_cast<size_t>(ids[i].item<int64_t>())]] = kSharpness;
    tap(model::Site::kLogits, 0, logits);
  }

 private:
  std::vector<int64_t> answer_;
  int64_t labels_;
};

/// Each id is followed by the next one.
std::vector<int64_t> successors() {
  std::vector<int64_t> next;
  for (int64_t id = 0; id < kVocab; ++id)
    next.push_back((id + 1) % kVocab);
  return next;
}

double surprise(bool right) {
  return std::log(std::exp(kSharpness) + kVocab - 1) - (right ? kSharpness : 0);
}

TEST_CASE("tokens: next ones are counted by document, whatever the batch") {
  const Oracle model(successors());
  const std::vector<Piece> pieces{{{5, 6, 7}, 4}, {{1, 2}, 4}, {{3, 3}, 9}};
  for (const int64_t batch_tokens : {1, 4, 100}) {
    NoProgress none;
    const auto found =
        evaluate_tokens(model, pieces, {nullptr, 1, batch_tokens}, kVocab, nullptr, none);
    REQUIRE(found.model.size() == 2);
    CHECK(found.baseline.empty());
    CHECK(found.model[0].count == 3);
    CHECK(found.model[0].correct == 3);
    CHECK(found.model[0].surprise == doctest::Approx(3 * surprise(true)).epsilon(1e-5));
    CHECK(found.model[1].count == 1);
    CHECK(found.model[1].correct == 0);
    CHECK(found.model[1].surprise == doctest::Approx(surprise(false)).epsilon(1e-5));
  }
}

TEST_CASE("tokens: masked ones are named by model and table from the same input") {
  // The mask (3) is always taken for a 6; where the masked token stays it is named itself.
  std::vector<int64_t> answer(kVocab);
  for (int64_t id = 0; id < kVocab; ++id)
    answer[static_cast<size_t>(id)] = id == 3 ? 6 : id;
  const Oracle model(answer);
  const Masking masking(SpecialTokens{3, {0, 1, 2, 3, 4}}, kVocab);
  // Between markers stands a 6 in the corpus of the table, a 6 or a 7 in the pieces.
  const std::vector<int32_t> corpus{1, 6, 2, 1, 6, 2};
  const NeighbourTable table(corpus, NeighbourTable::kAround, kVocab);
  std::vector<Piece> pieces;
  for (int64_t i = 0; i < 400; ++i)
    pieces.push_back({{1, i % 2 == 0 ? 6 : 7, 2}, i});
  NoProgress none;
  const auto found = evaluate_tokens(model, pieces, {&masking, 1, 64}, kVocab, &table, none);
  REQUIRE(found.baseline.size() == 400);
  double sixes = 0, sevens = 0;
  for (size_t i = 0; i < 400; ++i) {
    CHECK(found.model[i].count == 1);
    CHECK(found.baseline[i].correct == (i % 2 == 0 ? 1 : 0));
    (i % 2 == 0 ? sixes : sevens) += static_cast<double>(found.model[i].correct);
  }
  // A 6 is named unless it is replaced by one of the other four, 8 %; a 7 where it stays, 12 %.
  CHECK(std::abs(sixes - 200 * 0.92) < 5 * std::sqrt(200 * 0.92 * 0.08));
  CHECK(std::abs(sevens - 200 * 0.12) < 5 * std::sqrt(200 * 0.12 * 0.88));
}

TEST_CASE("tokens: what sees ahead is not judged on next tokens") {
  model::ModelInfo info;
  info.causal = true;
  require_causal(info);
  info.causal = false;
  ssmi::test::check_fails(ExitCode::kMismatch, "sees the tokens behind",
                          [&] { require_causal(info); });
}

TEST_CASE("tokens: a head of other labels is refused") {
  const std::vector<Piece> pieces{{{1, 2}, 0}};
  NoProgress none;
  ssmi::test::check_fails(ExitCode::kMismatch, "gives 2 values a token, its tokenizer has 10", [&] {
    evaluate_tokens(Oracle(std::vector<int64_t>(kVocab), 2), pieces, {}, kVocab, nullptr, none);
  });
}

}  // namespace
}  // namespace ssmi::task
