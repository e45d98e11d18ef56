#include "text/word_cache.h"

#include <fmt/format.h>

#include <algorithm>

#include "support.h"

namespace ssmi::text {
namespace {

std::vector<Token> tokens_of(int64_t number) {
  std::vector<Token> tokens;
  for (int64_t i = 0; i < number % 4; ++i)
    tokens.push_back({number + i, static_cast<size_t>(i), static_cast<size_t>(i) + 1});
  return tokens;
}

bool same(WordCache::Tokens found, const std::vector<Token>& expected) {
  return std::ranges::equal(found, expected, [](const Token& a, const Token& b) {
    return a.id == b.id && a.begin == b.begin && a.end == b.end;
  });
}

TEST_CASE("word cache: every word kept is found with its tokens while the table grows") {
  WordCache cache;
  constexpr int64_t kWords = 20000;
  for (int64_t i = 0; i < kWords; ++i) {
    const std::string word = fmt::format("word{}", i);
    CHECK(!cache.find(word));
    CHECK(same(cache.keep(word, tokens_of(i)), tokens_of(i)));
  }
  int64_t found = 0;
  for (int64_t i = 0; i < kWords; ++i) {
    const auto tokens = cache.find(fmt::format("word{}", i));
    found += tokens && same(*tokens, tokens_of(i)) ? 1 : 0;
  }
  CHECK(found == kWords);
  CHECK(!cache.find("word"));
}

TEST_CASE("word cache: starts again when it is full, and stays right") {
  WordCache cache;
  int64_t wrong = 0;
  for (int64_t i = 0; i < 200000; ++i) {
    const std::string word = fmt::format("{}", i % 70000);
    const auto tokens = cache.find(word);
    wrong += same(tokens ? *tokens : cache.keep(word, tokens_of(i % 70000)), tokens_of(i % 70000))
                 ? 0
                 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("word cache: long words and the empty one pass through") {
  WordCache cache;
  const std::vector<Token> tokens{{7, 0, 65}};
  for (const std::string& word : {std::string(65, 'x'), std::string()}) {
    CHECK(same(cache.keep(word, tokens), tokens));
    CHECK(!cache.find(word));
  }
  const std::string zeros(8, '\0');  // differs from other words of zeros by its length alone
  cache.keep(zeros, tokens);
  CHECK(cache.find(zeros));
  CHECK(!cache.find(std::string(7, '\0')));
}

}  // namespace
}  // namespace ssmi::text
