#include "ssmi/task/masking.h"

#include <ATen/ops/equal.h>

#include "support.h"

namespace ssmi::task {
namespace {

const SpecialTokens kSpecial{3, {0, 1, 2, 3, 4}};

std::vector<int64_t> values(const at::Tensor& tensor) {
  const auto* data = tensor.const_data_ptr<int64_t>();
  return {data, data + tensor.numel()};
}

/// Rows of ordinary tokens between markers.
TokenRows rows(int64_t count, int64_t length, int64_t vocab) {
  TokenRows rows;
  for (int64_t r = 0; r < count; ++r) {
    std::vector<int64_t> row{1};
    for (int64_t i = 0; i < length; ++i)
      row.push_back(5 + (r * 31 + i * 7) % (vocab - 5));
    row.push_back(2);
    rows.push_back(std::move(row));
  }
  return rows;
}

TEST_CASE("masking: shares are 15 %, of which 80, 10 and 10") {
  constexpr int64_t kVocab = 1005, kTokens = 200000;
  const TokenRows all = rows(100, kTokens / 100, kVocab);
  Random random(1, "test");
  const TokenBatch batch = Masking(kSpecial, kVocab).batch(all, random);
  const auto original = values(model::pack(all).ids), given = values(batch.batch.ids);
  const auto positions = values(batch.positions), labels = values(batch.labels);
  REQUIRE(positions.size() == labels.size());
  double masked = 0, same = 0, other = 0;
  std::vector<bool> chosen(original.size());
  for (size_t i = 0; i < positions.size(); ++i) {
    const auto at = static_cast<size_t>(positions[i]);
    chosen[at] = true;
    CHECK(labels[i] == original[at]);
    CHECK(original[at] >= 5);  // never a special token
    (given[at] == 3 ? masked : given[at] == original[at] ? same : other) += 1;
    CHECK((given[at] == 3 || given[at] >= 5));
  }
  for (size_t i = 0; i < original.size(); ++i)
    if (!chosen[i]) CHECK(given[i] == original[i]);
  const auto m = static_cast<double>(positions.size());
  // Five standard deviations of a binomial each.
  const auto is_near = [](double count, double n, double p) {
    return std::abs(count - n * p) < 5 * std::sqrt(n * p * (1 - p));
  };
  CHECK(is_near(m, kTokens, 0.15));
  CHECK(is_near(masked, m, 0.8));
  CHECK(is_near(other, m, 0.1 * 999 / 1000));  // one in 1000 is replaced by itself
  CHECK(is_near(same, m, 0.1 + 0.1 / 1000));
}

TEST_CASE("masking: a step's masks depend on the seed and the step alone") {
  const Masking masking(kSpecial, 50);
  const auto masked = [&](uint64_t seed, int64_t step) {
    Random random = masking_stream(seed, step);
    return masking.batch(rows(4, 30, 50), random);
  };
  const TokenBatch one = masked(1, 7), again = masked(1, 7);
  CHECK(at::equal(one.batch.ids, again.batch.ids));
  CHECK(at::equal(one.positions, again.positions));
  CHECK_FALSE(at::equal(one.batch.ids, masked(1, 8).batch.ids));
  CHECK_FALSE(at::equal(one.batch.ids, masked(2, 7).batch.ids));
}

TEST_CASE("masking: at least one token where any can be, none of special ones") {
  const Masking masking(kSpecial, 8);
  for (int64_t step = 0; step < 50; ++step) {
    Random random = masking_stream(1, step);
    const TokenBatch batch = masking.batch({{1, 6, 2}}, random);
    CHECK(values(batch.positions) == std::vector<int64_t>{1});
    CHECK(values(batch.labels) == std::vector<int64_t>{6});
  }
  Random random = masking_stream(1, 0);
  CHECK(masking.batch({{1, 2}}, random).positions.numel() == 0);
}

TEST_CASE("masking: needs a mask and something to name") {
  using ssmi::test::check_fails;
  check_fails(ExitCode::kMismatch, "neither <mask> nor [MASK]",
              [] { Masking(SpecialTokens{std::nullopt, {0}}, 10); });
  check_fails(ExitCode::kMismatch, "all 2 tokens", [] { Masking(SpecialTokens{1, {0, 1}}, 2); });
}

TEST_CASE("next token: each but a row's last names the one behind it") {
  const TokenBatch batch = next_token_batch({{1, 5, 6}, {7}, {1, 2}});
  CHECK(values(batch.batch.ids) == std::vector<int64_t>{1, 5, 6, 7, 1, 2});
  CHECK(values(batch.positions) == std::vector<int64_t>{0, 1, 4});
  CHECK(values(batch.labels) == std::vector<int64_t>{5, 6, 2});
}

}  // namespace
}  // namespace ssmi::task
