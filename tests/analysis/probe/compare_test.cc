#include "ssmi/analysis/probe/compare.h"

#include <doctest/doctest.h>

#include <cmath>

#include "ssmi/core/random.h"

using namespace ssmi;
using namespace ssmi::probe;

namespace {

/// Two draws of 200 functions with four pairs each; the checkpoint differs from its base in the
/// pairs of the relation "t 1" alone, each of which it gets right with probability `share`.
struct Case {
  std::vector<TestPairs> tests;
  std::vector<Answers> answers;

  explicit Case(double share) {
    Random random(3, "compare test");
    for (int64_t draw = 0; draw < 2; ++draw) {
      TestPairs test{"t", draw, {}, {}};
      std::vector<int64_t> before, after;
      for (int64_t function = 0; function < 200; ++function) {
        for (int64_t label = 0; label < 4; ++label) {
          test.items.label.push_back(label % 2);
          test.items.group.push_back(function);
          test.relations.push_back({label % 2 == 1 ? "t 1" : "t 0"});
          const bool right = random.uniform() < 0.5;
          before.push_back(right ? label % 2 : 1 - label % 2);
          const bool still = label % 2 == 1 ? random.uniform() < share : right;
          after.push_back(still ? label % 2 : 1 - label % 2);
        }
      }
      for (const int64_t layer : {0, 1, 2}) {
        // The base does best on validation at layer 2.
        answers.push_back({"a", "t", layer, draw, 0.1 * static_cast<double>(layer), before});
        answers.push_back({"b", "t", layer, draw, 0.9, layer == 1 ? before : after});
      }
      tests.push_back(std::move(test));
    }
  }
};

double accuracy(const TestPairs& test, const Answers& answers) {
  double right = 0;
  for (size_t i = 0; i < answers.predicted.size(); ++i)
    right += answers.predicted[i] == test.items.label[i] ? 1 : 0;
  return right / static_cast<double>(answers.predicted.size());
}

}  // namespace

TEST_CASE("compare: the best block is that of the best mean over its draws") {
  const auto chosen = [](const std::vector<Validated>& validated) { return best_block(validated); };
  CHECK(chosen({{1, 0.9}, {1, 0.3}, {2, 0.7}, {2, 0.7}}) == 2);  // not by the first draw
  CHECK(chosen({{2, 0.5}, {1, 0.5}, {3, 0.4}}) == 1);            // the lower of equals
  CHECK(chosen({{0, 0.9}, {4, 0}}) == 4);                        // not the embedding
  CHECK(chosen({{1, 0.6}, {2, 0.5}, {2, 0.5}}) == 1);            // a mean, no sum
  CHECK_FALSE(chosen({{0, 0.9}}));
  CHECK_FALSE(chosen({}));
}

TEST_CASE("compare: relations of one checkpoint are those of the block chosen over all draws") {
  Case data(0.8);
  for (Answers& one : data.answers) {
    const bool first = one.draw == 0;
    one.validation_accuracy = one.layer == 1 ? (first ? 0.9 : 0.1) : 0.6;  // 1 in the first alone
  }
  const auto relations = breakdown("b", data.tests, data.answers, {});
  REQUIRE(relations.size() == 2);
  CHECK(relations[0].layer == 2);
}

TEST_CASE("compare: p-values of a family by Holm's steps") {
  // By hand: sorted .01 .02 .03 .04 times 4 3 2 1 is .04 .06 .06 .04, none below the one before.
  const auto p = holm({0.04, 0.01, 0.03, 0.02});
  CHECK(p[1] == doctest::Approx(0.04));
  CHECK(p[3] == doctest::Approx(0.06));
  CHECK(p[2] == doctest::Approx(0.06));
  CHECK(p[0] == doctest::Approx(0.06));
  CHECK(holm({0.7, 0.9})[0] == 1.0);
  CHECK(holm({}).empty());
}

TEST_CASE(
    "compare: differences are those of the accuracies, intervals those of independent pairs") {
  const Case data(0.8);
  const Comparison found = compare("a", "b", data.tests, data.answers, {});
  CHECK(found.chosen.at("t") == 2);
  REQUIRE(found.layers.size() == 3);
  const double expected =
      (accuracy(data.tests[0], data.answers[1]) + accuracy(data.tests[1], data.answers[7]) -
       accuracy(data.tests[0], data.answers[0]) - accuracy(data.tests[1], data.answers[6])) /
      2;
  const Difference& changed = found.layers[0];
  CHECK(changed.difference == doctest::Approx(expected));
  CHECK(changed.accuracy == doctest::Approx(changed.base + expected));
  // Of 800 pairs a draw half change by a variable of variance v = .5 + ... : right before, .5,
  // right after, .8, independent: v = .25 + .16. Two draws of independent pairs: sd of their mean.
  const double deviation = std::sqrt(400 * (0.25 + 0.16)) / 800 / std::sqrt(2.0);
  const double width = changed.high - changed.low;
  // The draws themselves are resampled too, which adds the spread between them.
  CHECK(width > 2 * 1.96 * deviation * 0.9);
  CHECK(width < 2 * 1.96 * deviation * 1.6);
  CHECK(changed.low < expected);
  CHECK(expected < changed.high);
  CHECK(changed.p < 0.001);
  // Nothing differs at layer 1.
  CHECK(found.layers[1].difference == 0);
  CHECK(found.layers[1].p == 1);
  CHECK(found.layers[1].low == 0);
  CHECK(found.layers[1].high == 0);
}

TEST_CASE("compare: relations tell where the change is") {
  const Case data(0.8);
  const Comparison found = compare("a", "b", data.tests, data.answers, {});
  REQUIRE(found.relations.size() == 2);  // by difference
  CHECK(found.relations[0].relation == "t 0");
  CHECK(found.relations[0].difference == 0);
  CHECK(found.relations[0].p_holm == 1);
  CHECK(found.relations[1].relation == "t 1");
  CHECK(found.relations[1].layer == 2);
  CHECK(found.relations[1].pairs == 400);
  CHECK(found.relations[1].difference > 0.2);
  CHECK(found.relations[1].p_holm < 0.001);
  CompareOptions strict;
  strict.least_pairs = 401;
  CHECK(compare("a", "b", data.tests, data.answers, strict).relations.empty());
}

TEST_CASE("compare: chance alone is seldom taken for a change") {
  int found = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Case data(0.5);
    // Other coins for each trial.
    Random random(seed, "coins");
    for (Answers& answers : data.answers) {
      for (int64_t& label : answers.predicted)
        label = random.uniform() < 0.5 ? 1 : 0;
    }
    CompareOptions options;
    options.resamples = 500;
    const Comparison comparison = compare("a", "b", data.tests, data.answers, options);
    for (const Difference& one : comparison.layers)
      found += one.p_holm < 0.05 ? 1 : 0;
  }
  CHECK(found <= 4);  // of 20 families at .05
}

TEST_CASE("compare: more draws of the same functions do not make them more functions") {
  // A hundred functions, each better by 1, 0 or -1 in all its pairs whatever the draw, of which
  // each draw tests on half.
  constexpr int64_t kFunctions = 100, kDraws = 20;
  Random random(8, "shared");
  std::vector<int64_t> effect;
  double square = 0;
  for (int64_t f = 0; f < kFunctions; ++f) {
    effect.push_back(static_cast<int64_t>(random.below(3)) - 1);
    square += static_cast<double>(effect.back() * effect.back()) / kFunctions;
  }
  std::vector<TestPairs> tests;
  std::vector<Answers> answers;
  for (int64_t draw = 0; draw < kDraws; ++draw) {
    TestPairs test{"t", draw, {}, {}};
    Answers before{"a", "t", 1, draw, 0.5, {}}, after{"b", "t", 1, draw, 0.5, {}};
    for (int64_t f = 0; f < kFunctions; ++f) {
      if (random.below(2) == 0) continue;
      test.items.label.push_back(1);
      test.items.group.push_back(f);
      test.relations.push_back({"t 1"});
      const int64_t of = effect[static_cast<size_t>(f)];
      before.predicted.push_back(of < 0 ? 1 : 0);
      after.predicted.push_back(of > 0 ? 1 : 0);
    }
    tests.push_back(std::move(test));
    answers.push_back(std::move(before));
    answers.push_back(std::move(after));
  }
  const Comparison found = compare("a", "b", tests, answers, {});
  // All draws together see each function about ten times: the mean has the spread of a mean of a
  // hundred functions, not of a thousand.
  const double expected = 2 * 1.96 * std::sqrt(square / kFunctions);
  CHECK(found.layers.at(0).high - found.layers.at(0).low > 0.8 * expected);
  CHECK(found.layers.at(0).high - found.layers.at(0).low < 1.4 * expected);
}

TEST_CASE("compare: a breakdown is of the block that is best on validation") {
  const Case data(0.8);
  const auto found = breakdown("a", data.tests, data.answers, {});
  REQUIRE(found.size() == 2);
  CHECK(found[0].relation == "t 0");
  CHECK(found[0].layer == 2);
  CHECK(found[0].pairs == 400);
  double right = 0;
  for (size_t i = 0; i < 800; i += 2)
    right += data.answers[4].predicted[i] == 0 ? 1 : 0;
  CHECK(found[0].accuracy == doctest::Approx(right / 400));
  CHECK(found[0].low < found[0].accuracy);
  CHECK(found[0].accuracy < found[0].high);
}
