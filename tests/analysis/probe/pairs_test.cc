#include "ssmi/analysis/probe/pairs.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "support.h"

namespace ssmi::probe {
namespace {

/// `functions` functions; function f has f + 1 pairs of each label of the siblings task.
std::vector<std::vector<Candidate>> candidates(int32_t functions) {
  std::vector<std::vector<Candidate>> result(static_cast<size_t>(functions));
  for (int32_t f = 0; f < functions; ++f) {
    for (int32_t i = 0; i <= f; ++i) {
      for (const int32_t label : {0, 1})
        result[static_cast<size_t>(f)].push_back({label, i, label == 0 ? "0" : "1"});
    }
  }
  return result;
}

std::map<int32_t, int> per_function(const std::vector<Pair>& pairs, int32_t label) {
  std::map<int32_t, int> count;
  for (const Pair& pair : pairs) {
    if (pair.label == label) ++count[pair.function];
  }
  return count;
}

TEST_CASE("pairs: a draw is even over functions, without repetition, functions in one part only") {
  const auto all = candidates(100);
  const auto part_of = deal_functions(all.size(), 5);
  const PairSet set =
      draw_pairs(task_info(Task::kSiblings), all, part_of, Split::kFunction, 300, 5);
  const std::map<Part, size_t> sizes{
      {Part::kTrain, 420}, {Part::kValidation, 60}, {Part::kTest, 120}};
  for (const Part part : kParts) {
    CHECK(set.part(part).size() == sizes.at(part));
    std::set<std::tuple<int32_t, int32_t, int32_t>> seen;
    for (const Pair& pair : set.part(part)) {
      CHECK(part_of[static_cast<size_t>(pair.function)] == part);
      CHECK(seen.insert({pair.function, pair.first, pair.second}).second);
    }
    for (const int32_t label : {0, 1}) {
      const auto count = per_function(set.part(part), label);
      int most = 0;
      for (const auto& [function, pairs] : count)
        most = std::max(most, pairs);
      for (const auto& [function, pairs] : count) {
        CHECK(pairs >= std::min(most - 1, function + 1));  // one behind only if it has no more
      }
    }
  }
}

TEST_CASE("pairs: the same seed draws the same, another draws other pairs") {
  const auto all = candidates(50);
  const auto draw = [&](uint64_t seed) {
    const PairSet set = draw_pairs(task_info(Task::kSiblings), all, deal_functions(50, seed),
                                   Split::kFunction, 100, seed);
    std::vector<std::tuple<int32_t, int32_t>> pairs;
    for (const Pair& pair : set.part(Part::kTest))
      pairs.emplace_back(pair.function, pair.second);
    return pairs;
  };
  CHECK((draw(1) == draw(1)));  // LibTorch's way to print vectors knows no tuples
  CHECK((draw(1) != draw(2)));
}

TEST_CASE("pairs: the first pairs of a draw are a draw") {
  const auto all = candidates(60);
  const PairSet set =
      draw_pairs(task_info(Task::kSiblings), all, deal_functions(60, 1), Split::kFunction, 200, 1);
  const PairSet few = set.first(50);
  CHECK(few.part(Part::kTrain).size() == 70);
  CHECK(few.part(Part::kValidation).size() == 10);
  CHECK(few.part(Part::kTest).size() == 20);
  for (const int32_t label : {0, 1}) {
    for (const auto& [function, count] : per_function(few.part(Part::kTest), label)) {
      CHECK(count <= 2);
    }
  }
}

TEST_CASE("pairs: the published split shares functions between the parts") {
  const auto all = candidates(40);
  const PairSet set =
      draw_pairs(task_info(Task::kSiblings), all, deal_functions(40, 1), Split::kPair, 500, 1);
  CHECK(set.part(Part::kTest).size() == 200);
  std::set<int32_t> training;
  for (const Pair& pair : set.part(Part::kTrain))
    training.insert(pair.function);
  const auto shared =
      std::count_if(set.part(Part::kTest).begin(), set.part(Part::kTest).end(),
                    [&](const Pair& pair) { return training.contains(pair.function); });
  CHECK(shared > 150);
}

TEST_CASE("pairs: functions are dealt by the stated shares") {
  const auto part_of = deal_functions(1000, 3);
  CHECK(std::count(part_of.begin(), part_of.end(), Part::kTest) == 200);
  CHECK(std::count(part_of.begin(), part_of.end(), Part::kValidation) == 100);
}

}  // namespace
TEST_CASE("pairs: another deal keeps the validation functions and the sizes") {
  const auto parts = deal_functions(500, 1);
  const auto again = deal_again(parts, 2);
  REQUIRE(again.size() == parts.size());
  int moved = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    CHECK((parts[i] == Part::kValidation) == (again[i] == Part::kValidation));
    moved += parts[i] != again[i] ? 1 : 0;
  }
  for (const Part part : kParts)
    CHECK(std::ranges::count(again, part) == std::ranges::count(parts, part));
  CHECK(moved > 80);  // of 450, by chance 2 * .22 * .78 of them
  CHECK((deal_again(parts, 2) == again));
}

}  // namespace ssmi::probe
