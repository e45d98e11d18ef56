#include "ssmi/task/bootstrap.h"

#include <doctest/doctest.h>

#include <vector>

using namespace ssmi;
using namespace ssmi::task;

namespace {

Interval interval(const std::vector<uint8_t>& correct, const std::vector<int64_t>& group,
                  int64_t resamples = 2000) {
  Random random(11, "bootstrap");
  return bootstrap_accuracy(correct, group, random, resamples);
}

/// `groups` groups of `size` items, right and wrong by turns.
Interval alternating(int64_t groups, int64_t size) {
  std::vector<uint8_t> correct;
  std::vector<int64_t> group;
  for (int64_t g = 0; g < groups; ++g) {
    correct.insert(correct.end(), static_cast<size_t>(size), static_cast<uint8_t>(g % 2));
    group.insert(group.end(), static_cast<size_t>(size), 1000 - g);
  }
  return interval(correct, group, 20000);
}

}  // namespace

TEST_CASE("bootstrap: the interval of independent items has the binomial width") {
  const Interval found = alternating(400, 1);
  const double half = 1.96 * 0.5 / 20;  // 1.96 sqrt(p (1 - p) / n)
  CHECK(found.low == doctest::Approx(0.5 - half).epsilon(0.01));
  CHECK(found.high == doctest::Approx(0.5 + half).epsilon(0.01));
}

TEST_CASE("bootstrap: items of one group are drawn together") {
  const Interval wide = alternating(100, 20), narrow = alternating(100, 1);
  const double half = 1.96 * 0.5 / 10;
  CHECK(wide.low == doctest::Approx(0.5 - half).epsilon(0.03));
  CHECK(wide.high == doctest::Approx(0.5 + half).epsilon(0.03));
  CHECK(wide.low == narrow.low);  // the same draws
}

TEST_CASE("bootstrap: groups weigh by their items") {
  // A of one wrong item, B of 99 right ones: AA .25 -> 0, AB .5 -> .99, BB .25 -> 1.
  std::vector<uint8_t> correct(100, 1);
  std::vector<int64_t> group(100, 1);
  correct[0] = 0;
  group[0] = 0;
  const Interval found = interval(correct, group);
  CHECK(found.low == 0);
  CHECK(found.high == 1);
  // Groups of equal accuracy leave nothing to vary.
  const Interval equal = interval({1, 0, 1, 0}, {1, 1, 2, 2});
  CHECK(equal.low == 0.5);
  CHECK(equal.high == 0.5);
}

TEST_CASE("bootstrap: one group gives its accuracy twice, no items give zero") {
  const Interval one = interval({1, 1, 0, 1}, {5, 5, 5, 5});
  CHECK(one.low == 0.75);
  CHECK(one.high == 0.75);
  CHECK(interval({}, {}).high == 0);
}
