#include "ssmi/task/split.h"

#include <algorithm>

#include "support.h"

namespace ssmi::task {
namespace {

TEST_CASE("split: groups are taken in the order of their hashes while they fit") {
  // printf 0:NAME | sha256sum begins 24 (rest), 7d (d), 9d (a), be (c), e0 (b): of five bytes d and
  // a take four, then c and b do not fit.
  const std::vector<Group> groups{{"a", 3}, {"b", 3}, {"c", 3}, {"d", 1}, {"rest", 90}};
  CHECK(held_out(groups, 0) == std::vector<bool>{true, false, false, true, false});
}

TEST_CASE("split: the smallest group where none fits, nothing of a single one") {
  const std::vector<Group> halves{{"a", 51}, {"b", 49}};
  for (const uint64_t seed : {0, 1, 2})
    CHECK(held_out(halves, seed) == std::vector<bool>{false, true});
  CHECK(held_out(std::vector<Group>{{"a", 7}}, 0) == std::vector<bool>{false});
  CHECK(held_out({}, 0).empty());
}

TEST_CASE("split: the seed decides, and the share is kept") {
  std::vector<Group> groups;
  for (int i = 0; i < 100; ++i)
    groups.push_back({fmt::format("package {}", i), 1});
  const auto count = [](const std::vector<bool>& out) { return std::ranges::count(out, true); };
  CHECK(count(held_out(groups, 0)) == 5);
  CHECK(count(held_out(groups, 1)) == 5);
  CHECK(held_out(groups, 0) != held_out(groups, 1));
}

}  // namespace
}  // namespace ssmi::task
