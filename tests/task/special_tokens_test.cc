#include "ssmi/task/special_tokens.h"

#include "task/words.h"

namespace ssmi::task {
namespace {

TEST_CASE("special tokens: markers and those of the usual names") {
  const auto special = special_tokens(*test::words());
  CHECK(special.mask == 3);
  CHECK(special.all == std::vector<int64_t>{0, 1, 2, 3, 4});
  CHECK(special.contains(4));
  CHECK_FALSE(special.contains(5));
}

TEST_CASE("special tokens: one that is spelt out is none") {
  const auto special = special_tokens(text::ByteTokenizer());  // "<mask>" is six bytes
  CHECK_FALSE(special.mask);
  CHECK(special.all.empty());
}

}  // namespace
}  // namespace ssmi::task
