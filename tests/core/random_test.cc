#include "ssmi/core/random.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "ssmi/core/checked.h"
#include "ssmi/core/hash.h"
#include "support.h"

namespace ssmi {
namespace {

TEST_CASE("random: streams repeat and differ by seed and name") {
  Random a(1, "pairs"), b(1, "pairs"), c(2, "pairs"), d(1, "split");
  const uint64_t first = a.next();
  CHECK(first == b.next());
  CHECK(first != c.next());
  CHECK(first != d.next());
}

TEST_CASE("random: below is uniform") {
  Random random(7, "below");
  std::vector<int> counts(6);
  for (int i = 0; i < 60000; ++i)
    ++counts[random.below(6)];
  for (const int count : counts)
    CHECK(std::abs(count - 10000) < 450);  // 5 sigma
}

TEST_CASE("random: normal has mean 0 and variance 1") {
  Random random(7, "normal");
  double sum = 0, squares = 0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const double x = random.normal();
    sum += x;
    squares += x * x;
  }
  CHECK(std::abs(sum / kCount) < 0.016);
  CHECK(std::abs(squares / kCount - 1) < 0.023);
}

TEST_CASE("random: shuffle permutes") {
  Random random(7, "shuffle");
  std::vector<int> items(50), sorted(50);
  std::iota(items.begin(), items.end(), 0);
  std::iota(sorted.begin(), sorted.end(), 0);
  random.shuffle(std::span(items));
  CHECK(items != sorted);
  std::sort(items.begin(), items.end());
  CHECK(items == sorted);
}

TEST_CASE("random: a permutation is a shuffle of all, a sample its beginning in rising order") {
  std::vector<size_t> items(50);
  std::iota(items.begin(), items.end(), size_t{0});
  Random(7, "order").shuffle(std::span(items));
  CHECK(Random(7, "order").permutation(50) == items);
  items.resize(20);
  std::ranges::sort(items);
  CHECK(Random(7, "order").sample(50, 20) == items);
  CHECK(Random(7, "order").permutation(0).empty());
}

TEST_CASE("checked: overflow gives nothing") {
  CHECK(checked_mul<int64_t>(1LL << 40, 1LL << 22) == 1LL << 62);
  CHECK_FALSE(checked_mul<int64_t>(1LL << 40, 1LL << 23));
  CHECK_FALSE(checked_add<uint64_t>(UINT64_MAX, 1));
  const std::vector<int64_t> huge{1LL << 32, 1LL << 32}, negative{2, -1}, scalar;
  CHECK_FALSE(checked_numel(huge));
  CHECK_FALSE(checked_numel(negative));
  CHECK(checked_numel(scalar) == 1);
}

TEST_CASE("hash: sha256 of the standard's examples (FIPS 180-4)") {
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace ssmi
