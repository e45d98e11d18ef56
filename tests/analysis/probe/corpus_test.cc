#include "ssmi/analysis/probe/corpus.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>

#include "ssmi/analysis/probe/evaluation.h"
#include "ssmi/analysis/probe/leaf_vectors.h"
#include "ssmi/analysis/probe/texts.h"
#include "support.h"

namespace ssmi::probe {
namespace {

code::Function function(std::string source) {
  return {std::move(source), "f.py", 1, "f", "test"};
}

const std::vector<code::Function>& functions() {
  static const std::vector<code::Function> kFunctions{
      function("def f(x):\n    return x\n"),
      function("def f(:\n"),
      function("def f(x):\n    return x\n"),
      function("def long():\n    return \"" + std::string(500, 'x') + "\"\n"),
      function("x = [" +
               [] {
                 std::string ones;
                 for (int i = 0; i < 6000; ++i)
                   ones += "1,";
                 return ones;
               }() +
               "]\n"),
      function("def g(y):  # r\u00e9sum\u00e9\n    return y\n")};
  return kFunctions;
}

Corpus corpus_of(const CorpusOptions& options) {
  static const text::ByteTokenizer kBytes;
  NoProgress silent;
  return prepare_corpus(functions(), {&kBytes}, options, silent);
}

CorpusOptions options() {
  CorpusOptions result;
  result.tasks = {Task::kDistance};
  result.max_tokens = 200;
  return result;
}

TEST_CASE("corpus: what is left out is counted under its reason") {
  const Corpus corpus = corpus_of(options());
  CHECK(corpus.functions.size() == 2);
  CHECK(corpus.dropped.at("syntax_error") == 1);
  CHECK(corpus.dropped.at("duplicate") == 1);
  CHECK(corpus.dropped.at("too_long") == 2);
  CorpusOptions longer = options();
  longer.max_tokens = 100000;  // 6,000 leaves in one list have 18 million near pairs
  CHECK(corpus_of(longer).dropped.at("too_complex") == 1);
  CHECK(corpus.dropped.at("not_drawn") == 0);
  CorpusOptions fewer = options();
  fewer.max_functions = 1;
  CHECK(corpus_of(fewer).functions.size() == 1);
  CHECK(corpus_of(fewer).dropped.at("not_drawn") == 1);
}

TEST_CASE("corpus: leaves keep their tokens, in the source and in joined tokens") {
  for (const Input input : {Input::kSource, Input::kTokens}) {
    CorpusOptions chosen = options();
    chosen.input = input;
    const Corpus corpus = corpus_of(chosen);
    const ParsedFunction& g = corpus.functions[1];
    if (input == Input::kTokens) CHECK(g.text == "def g ( y ) : return y");
    for (int32_t leaf = 0; leaf < static_cast<int32_t>(g.leaves.size()); ++leaf) {
      const text::Span tokens = corpus.tokenised[0][1].leaf_tokens[static_cast<size_t>(leaf)];
      std::string text;
      for (int64_t t = tokens.begin; t < tokens.end; ++t) {
        text += static_cast<char>(corpus.tokenised[0][1].ids[static_cast<size_t>(t)]);
      }
      CHECK(text == g.leaf_text(leaf));
    }
    CHECK(g.leaf_text(1) == "g");
  }
}

TEST_CASE("vectors: only drawn leaves have slots; pairs are differences or concatenations") {
  PairSet set;
  set.task = &task_info(Task::kDistance);
  set.parts[0] = {{1, 4, 2, 0}, {0, 7, 4, 0}};
  set.parts[2] = {{1, 2, 9, 1}};
  std::vector<ParsedFunction> functions(3);
  const LeafSlots slots(functions, std::span(&set, 1));
  CHECK(slots.size() == 5);
  CHECK(slots.leaves(1) == std::vector<int32_t>{2, 4, 9});
  CHECK(slots.leaves(2).empty());
  CHECK(slots.slot(0, 7) == 1);
  CHECK(slots.slot(1, 9) == 4);
  functions[2].leaves.resize(2);  // asked for as a whole
  CHECK(LeafSlots(functions, std::span(&set, 1), std::vector{2}).leaves(2) == std::vector{0, 1});
  const at::Tensor vectors = at::arange(10, at::kFloat).view({5, 2});
  const at::Tensor difference = pair_vectors(set.parts[0], *set.task, slots, vectors);
  CHECK(difference[0][0].item<double>() == 6 - 4);  // slots 3 and 2
  const at::Tensor both = pair_vectors(set.parts[0], task_info(Task::kSiblings), slots, vectors);
  CHECK(both.size(1) == 4);
  CHECK(both[1][1].item<double>() == 3);
  CHECK(both[1][3].item<double>() == 1);
  const at::Tensor alone = pair_vectors({{1, 9, 9, 0}}, task_info(Task::kDepth), slots, vectors);
  CHECK(alone.size(1) == 2);
  CHECK(alone[0][1].item<double>() == 9);
}

TEST_CASE("texts: one column a text seen in training, and one a gap") {
  const Corpus corpus = corpus_of(options());
  // def f ( x ) : return x; def g ( y ) : return y
  const std::vector<Pair> training{{0, 0, 3, 0}, {0, 6, 7, 1}};
  const TextFeatures features(corpus.functions, training, true);
  const SparseRows rows = features.rows({{1, 0, 3, 0}, {0, 6, 3, 1}});
  CHECK(rows.columns == 2 + 1 + 33);
  CHECK(rows.begin == std::vector<int64_t>{0, 2, 5});
  // "def" is known, "y" is not, gap +3; then "return", "x", gap -3
  CHECK(rows.column == std::vector<int64_t>{0, 3 + 16 + 3, 1, 2, 3 + 16 - 3});
  const TextFeatures alone(corpus.functions, {{0, 0, 0, 0}, {0, 3, 3, 1}}, false);
  CHECK(alone.rows({{0, 3, 3, 1}, {1, 3, 3, 1}}).column == std::vector<int64_t>{1});
  CHECK(alone.rows({}).columns == 2);
}

TEST_CASE("evaluation: accuracies, confusion and a label that never occurs") {
  const TestItems test{{0, 0, 1, 1}, {0, 0, 1, 2}};
  const std::vector<int64_t> predicted{0, 1, 1, 1};
  const Evaluation result = evaluate(test, predicted, 3, 1, "test");
  CHECK(result.accuracy == 0.75);
  CHECK(result.per_label_accuracy[0] == 0.5);
  CHECK(result.per_label_accuracy[1] == 1);
  CHECK(std::isnan(result.per_label_accuracy[2]));
  CHECK(result.mean_label_accuracy == 0.75);
  CHECK(result.confusion == std::vector<std::vector<int64_t>>{{1, 1, 0}, {0, 2, 0}, {0, 0, 0}});
  CHECK(result.low >= 0.5);  // no resample of functions is worse than function 0 alone
  CHECK(result.low < 0.75);
  CHECK(result.high == 1);
}

}  // namespace
}  // namespace ssmi::probe
