#include "ssmi/task/metrics.h"

#include <cmath>

#include "support.h"

namespace ssmi::task {
namespace {

Random stream() {
  return {5, "metrics"};
}

TEST_CASE("metrics: tokens weigh alike, documents are drawn") {
  // 3 of 4 and 1 of 1 right; ln 2 and ln 8 nats a token.
  const std::vector<TokenScore> documents{{4, 3, 4 * std::log(2)}, {1, 1, std::log(8)}};
  Random random = stream();
  const Metric accuracy = measured(token_accuracy(documents), {}, {}, random);
  CHECK(accuracy.value == doctest::Approx(0.8));
  CHECK(accuracy.count == 5);
  CHECK(accuracy.low == doctest::Approx(0.75));  // the first one twice, a quarter of the draws
  CHECK(accuracy.high == doctest::Approx(1));
  const Metric confusion = measured(perplexity(documents), {}, {}, random);
  CHECK(confusion.value == doctest::Approx(std::exp((4 * std::log(2) + std::log(8)) / 5)));
  CHECK(confusion.low == doctest::Approx(2));
  CHECK(confusion.high == doctest::Approx(8));
}

TEST_CASE("metrics: mean reciprocal rank") {
  Random random = stream();
  const std::vector<int64_t> ranks{1, 2, 4};
  const Metric mrr = measured(mean_reciprocal_rank(ranks), {}, {}, random);
  CHECK(mrr.value == doctest::Approx((1 + 0.5 + 0.25) / 3));
  CHECK(mrr.count == 3);
  // All three the worst or all three the best one has 1 in 27 each: more than 2.5 %.
  CHECK(mrr.low == doctest::Approx(0.25));
  CHECK(mrr.high == doctest::Approx(1));
}

TEST_CASE("metrics: F1 by class, as scikit-learn has it") {
  // f1_score(y, p, average="macro"), "weighted" and accuracy_score of
  // y = [0, 0, 0, 1, 1, 2], p = [0, 0, 1, 1, 2, 2]: class F1 are 4/5, 1/2, 2/3.
  const std::vector<Classified> units{{{0, 0, 0}, {0, 0, 1}}, {{1, 1, 2}, {1, 2, 2}}};
  Random random = stream();
  const auto of = [&](const auto& measure) {  // classes 3 and 4 are never met
    return measured(measure(units, 5), {}, {}, random);
  };
  const Metric accuracy = of(class_accuracy), macro = of(f1_macro), weighted = of(f1_weighted);
  CHECK(accuracy.value == doctest::Approx(4.0 / 6));
  CHECK(macro.value == doctest::Approx((0.8 + 0.5 + 2.0 / 3) / 3));
  CHECK(weighted.value == doctest::Approx((3 * 0.8 + 2 * 0.5 + 2.0 / 3) / 6));
  CHECK(macro.count == 6);
  // The first unit alone: classes 0 (F1 4/5) and 1 (0), which is predicted there, and 2, which is
  // not, as in both (2/3). The second alone: 1 (2/3) and 2 (2/3), and 0 as in both (4/5).
  CHECK(macro.low == doctest::Approx((0.8 + 2.0 / 3) / 3));
  CHECK(macro.high == doctest::Approx((0.8 + 2 * 2.0 / 3) / 3));
  CHECK(accuracy.low == doctest::Approx(2.0 / 3));
}

TEST_CASE("metrics: differences are of the same draws") {
  Random random = stream();
  // Queries are easy or hard for both; the second model is worse at each by the same factor.
  std::vector<int64_t> ranks, doubled;
  for (int64_t i = 0; i < 200; ++i) {
    ranks.push_back(i % 2 == 0 ? 1 : 50);
    doubled.push_back(2 * ranks.back());
  }
  const Measure good = mean_reciprocal_rank(ranks), bad = mean_reciprocal_rank(doubled);
  const Metric metric = measured(good, bad, bad, random);
  REQUIRE(metric.against.has_value());
  CHECK(*metric.baseline == doctest::Approx(metric.value / 2));
  CHECK(metric.against->value == *metric.baseline);
  CHECK(metric.against->difference == doctest::Approx(metric.value / 2));
  // Half of each draw's own value: the interval is half as wide, not wider than either's.
  CHECK(metric.against->low == doctest::Approx(metric.low / 2));
  CHECK(metric.against->high == doctest::Approx(metric.high / 2));
  const Metric same = measured(good, {}, good, random);
  CHECK(same.against->low == 0);
  CHECK(same.against->high == 0);
}

TEST_CASE("metrics: nothing to judge gives zeros") {
  Random random = stream();
  CHECK(measured(token_accuracy({}), {}, {}, random).count == 0);
  CHECK(measured(mean_reciprocal_rank({}), {}, {}, random).value == 0);
  const std::vector<TokenScore> empty(1);
  CHECK(measured(perplexity(empty), {}, {}, random).high == 0);
}

}  // namespace
}  // namespace ssmi::task
