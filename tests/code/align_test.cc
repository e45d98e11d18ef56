#include "ssmi/code/align.h"

#include "program.h"
#include "support.h"

namespace ssmi::code {
namespace {

using test::Program;
using text::Span;

TEST_CASE("align: a leaf has the tokens that share a byte with it") {
  const Program program("ab = cd+e");  // leaves: ab [0,2) = [3,4) cd [5,7) + [7,8) e [8,9)
  REQUIRE(program.leaves.size() == 5);
  const std::vector<Span> tokens{{0, 0}, {0, 1}, {1, 3}, {3, 4}, {4, 6}, {6, 9}, {9, 9}};
  CHECK(align(tokens, program.leaves) == std::vector<Span>{{1, 3}, {3, 4}, {4, 6}, {5, 6}, {5, 6}});
}

TEST_CASE("align: several tokens may stand for one character") {
  const Program program("x = '\xc3\xa4'");  // the string is [4, 8)
  const std::vector<Span> tokens{{0, 1}, {1, 4}, {4, 5}, {5, 7}, {5, 7}, {7, 8}};
  CHECK(align(tokens, program.leaves) == std::vector<Span>{{0, 1}, {1, 2}, {2, 6}});
}

TEST_CASE("align: leaves after truncation have no token") {
  const Program program("ab = cd");
  const std::vector<Span> tokens{{0, 1}, {1, 2}, {2, 4}};
  const auto ranges = align(tokens, program.leaves);
  REQUIRE(ranges.size() == 3);
  CHECK(ranges[1] == Span{2, 3});
  CHECK(ranges[2].begin == ranges[2].end);
  for (const Span& range : align({}, program.leaves))
    CHECK(range.begin == range.end);
}

}  // namespace
}  // namespace ssmi::code
