#include "ssmi/task/neighbour_table.h"

#include <numeric>

#include "support.h"

namespace ssmi::task {
namespace {

constexpr int64_t kNone = NeighbourTable::kNone;

// Around 1 and 2 stands 5 twice and 6 once; 3 is before 4 only with 7 between them.
const std::vector<int32_t> kTokens{1, 5, 2, 1, 5, 2, 1, 6, 2, 3, 7, 4};
constexpr int64_t kVocab = 9;

TEST_CASE("neighbours: the pair decides, then the surer one of the two, then the whole") {
  const NeighbourTable table(kTokens, NeighbourTable::kAround, kVocab);
  CHECK(table.guess(1, 2) == 5);
  CHECK(table.guess(3, 4) == 7);
  // Never together: behind 1 is 5 in 2 of 3, before 4 is 7 always.
  CHECK(table.guess(1, 4) == 7);
  // Before 2 is 5 in 2 of 3, behind 3 is 7 always.
  CHECK(table.guess(3, 2) == 7);
  CHECK(table.guess(1, 8) == 5);      // 8 was never seen
  CHECK(table.guess(kNone, 4) == 7);  // a row begins here
  CHECK(table.guess(8, 8) == 1);      // 1 and 2 are most frequent
  CHECK(table.guess(kNone, kNone) == 1);
}

TEST_CASE("neighbours: the places are relative to the token") {
  const NeighbourTable table(kTokens, NeighbourTable::kBefore, kVocab);
  CHECK(table.guess(1, 5) == 2);
  CHECK(table.guess(5, 2) == 1);
  CHECK(table.guess(2, 3) == 7);
  CHECK(table.guess(8, 7) == 4);
}

TEST_CASE("neighbours: probabilities interpolate") {
  const NeighbourTable table(kTokens, NeighbourTable::kAround, kVocab);
  const auto own = [](double count) { return (count + 1) / (12 + 9); };
  // Behind 1: 5 twice, 6 once: 2 kinds of 3. Before 2: the same. Between both: the same.
  const auto behind = [&](double count, double whole) {
    return (count + 2 * own(whole)) / (3 + 2);
  };
  const auto both = [&](double count, double whole) {
    return (count + 2 * behind(count, whole)) / (3 + 2);
  };
  CHECK(table.probability(1, 2, 5) == doctest::Approx(both(2, 2)));
  CHECK(table.probability(1, 2, 6) == doctest::Approx(both(1, 1)));
  CHECK(table.probability(1, 2, 8) == doctest::Approx(both(0, 0)));
  CHECK(table.probability(1, kNone, 5) == doctest::Approx(behind(2, 2)));
  CHECK(table.probability(8, kNone, 5) == doctest::Approx(own(2)));
  // Never together: the mean of what each says; before 4 stands one kind, once.
  CHECK(table.probability(1, 4, 7) ==
        doctest::Approx((behind(0, 1) + (1 + 1 * own(1)) / (1 + 1)) / 2));
}

TEST_CASE("neighbours: probabilities of all tokens come to one") {
  const NeighbourTable table(kTokens, NeighbourTable::kAround, kVocab);
  for (int64_t first = kNone; first < kVocab; ++first) {
    for (int64_t second = kNone; second < kVocab; ++second) {
      double sum = 0;
      for (int64_t token = 0; token < kVocab; ++token)
        sum += table.probability(first, second, token);
      CHECK(sum == doctest::Approx(1));
    }
  }
}

TEST_CASE("neighbours: short corpora and large vocabularies") {
  const std::vector<int32_t> one{3};
  const NeighbourTable table(one, NeighbourTable::kAround, 5);
  CHECK(table.guess(0, 1) == 3);
  CHECK(table.probability(0, 1, 3) == doctest::Approx(2.0 / 6));
  ssmi::test::check_fails(ExitCode::kMismatch, "3000000 tokens",
                          [&] { NeighbourTable(one, NeighbourTable::kAround, 3'000'000); });
}

}  // namespace
}  // namespace ssmi::task
