#include "ssmi/task/windows.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "support.h"

namespace ssmi::task {
namespace {

std::vector<int32_t> counting(int32_t n) {
  std::vector<int32_t> tokens(static_cast<size_t>(n));
  std::iota(tokens.begin(), tokens.end(), 0);
  return tokens;
}

TEST_CASE("windows: an epoch has each token once, what is left over aside") {
  const auto tokens = counting(103);
  Windows windows(tokens, 10, 1);
  REQUIRE(windows.per_epoch() == 10);
  std::set<std::vector<int64_t>> starts;
  for (int64_t epoch = 0; epoch < 20; ++epoch) {
    std::set<int64_t> seen;
    std::vector<int64_t> firsts;
    for (const auto& window : windows.rows(epoch * 10, 10)) {
      REQUIRE(window.size() == 10);
      firsts.push_back(window[0]);
      for (size_t i = 0; i < window.size(); ++i) {
        CHECK(window[i] == (window[0] + static_cast<int64_t>(i)) % 103);
        CHECK(seen.insert(window[i]).second);
      }
    }
    CHECK(starts.insert(firsts).second);  // another order or place in each epoch
  }
}

TEST_CASE("windows: one depends on the seed and its number alone") {
  const auto tokens = counting(1000);
  Windows straight(tokens, 7, 3), jumping(tokens, 7, 3), other(tokens, 7, 4);
  const auto first = straight.rows(0, 500);
  for (const int64_t i : {499, 0, 141, 142, 143, 3, 300})
    CHECK(jumping.at(i) == first[static_cast<size_t>(i)]);
  CHECK(other.rows(0, 500) != first);
}

TEST_CASE("windows: a length the corpus has not is refused") {
  const auto tokens = counting(5);
  CHECK(Windows(tokens, 5, 1).per_epoch() == 1);
  const auto make = [&](int64_t length) { return [&, length] { Windows(tokens, length, 1); }; };
  ssmi::test::check_fails(ExitCode::kMismatch, "at most the 5 of the corpus", make(6));
  ssmi::test::check_fails(ExitCode::kMismatch, "at least 2", make(1));
}

TEST_CASE("pieces: documents are cut one by one, single tokens left out") {
  Documents documents;
  documents.ids = counting(12);
  documents.offsets = {0, 5, 6, 12};
  const auto cut = pieces(documents, 4);
  REQUIRE(cut.size() == 3);  // the fifth token of the first document and the second one are alone
  CHECK(cut[0].ids == std::vector<int64_t>{0, 1, 2, 3});
  CHECK(cut[1].ids == std::vector<int64_t>{6, 7, 8, 9});
  CHECK(cut[2].ids == std::vector<int64_t>{10, 11});
  CHECK(cut[0].document == 0);
  CHECK(cut[2].document == 2);
}

}  // namespace
}  // namespace ssmi::task
