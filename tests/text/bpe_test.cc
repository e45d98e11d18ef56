// Merges derived by hand; what unknown characters become is as PyPI tokenizers 0.23 has it.

#include "text/bpe.h"

#include <limits>
#include <map>

#include "recipe.h"
#include "ssmi/core/random.h"

namespace ssmi::text {
namespace {

using test::bpe;
using test::check_refused;
using test::cut;
using test::Recipe;
using Strings = std::vector<std::string>;

TEST_CASE("bpe: the merge of the lowest rank comes first") {
  const Strings tokens{"a", "b", "c", "ab", "bc", "abc"};
  CHECK(cut(Recipe{bpe(tokens, {"a b", "b c"})}, "abc") == "ab:0-2 c:2-3");
  CHECK(cut(Recipe{bpe(tokens, {"b c", "a b"})}, "abc") == "a:0-1 bc:1-3");
  CHECK(cut(Recipe{bpe(tokens, {"b c", "a b", "a bc"})}, "abc") == "abc:0-3");
  CHECK(cut(Recipe{bpe(tokens, {"b c", "a b", "ab c"})}, "abc") == "a:0-1 bc:1-3");
  CHECK(cut(Recipe{bpe(tokens, {})}, "abc") == "a:0-1 b:1-2 c:2-3");
}

TEST_CASE("bpe: of equal merges the leftmost comes first") {
  const Strings tokens{"a", "aa", "aaaa", "aaa"};
  CHECK(cut(Recipe{bpe(tokens, {"a a"})}, "aaa") == "aa:0-2 a:2-3");
  CHECK(cut(Recipe{bpe(tokens, {"a a", "aa aa"})}, "aaaaaaa") == "aaaa:0-4 aa:4-6 a:6-7");
  CHECK(cut(Recipe{bpe(tokens, {"a a", "aa a"})}, "aaaaa") == "aa:0-2 aaa:2-5");
}

TEST_CASE("bpe: tokens stand for bytes, not for characters") {
  const Strings tokens{"\u00E9", "\u4E2D", "\U0001F600", "\u00E9\u4E2D"};
  CHECK(cut(Recipe{bpe(tokens, {"\u00E9 \u4E2D"})}, "\u00E9\u4E2D\U0001F600") ==
        "\u00E9\u4E2D:0-5 \U0001F600:5-9");
}

/// The definition: while there is a merge, merge the leftmost pair of the lowest rank.
Strings merged_by_definition(const std::string& word,
                             const std::map<std::pair<std::string, std::string>, size_t>& ranks) {
  Strings parts;
  for (const char c : word)
    parts.emplace_back(1, c);
  while (true) {
    size_t best = 0, lowest = std::numeric_limits<size_t>::max();
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = ranks.find({parts[i], parts[i + 1]});
      if (found == ranks.end() || found->second >= lowest) continue;
      best = i;
      lowest = found->second;
    }
    if (lowest == std::numeric_limits<size_t>::max()) return parts;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST_CASE("bpe: random merges of words short and long are those of the definition") {
  Random random(3, "bpe");
  for (int round = 0; round < 30; ++round) {
    Strings tokens{"a", "b", "c"}, merges;
    std::map<std::pair<std::string, std::string>, size_t> ranks;
    while (merges.size() < 25) {
      const std::string &left = tokens[random.below(tokens.size())],
                        &right = tokens[random.below(tokens.size())];
      if (left.size() + right.size() > 12 ||
          !ranks.try_emplace({left, right}, merges.size()).second)
        continue;
      merges.push_back(fmt::format("{} {}", left, right));
      const std::string made = left + right;
      if (std::find(tokens.begin(), tokens.end(), made) == tokens.end()) tokens.push_back(made);
    }
    const auto tokenizer = test::made({bpe(tokens, merges)});
    for (const size_t size :
         std::initializer_list<size_t>{1, 2, 3, 9, 30, 63, 64, 65, 66, 130, 400}) {
      std::string word;
      for (size_t i = 0; i < size; ++i)
        word.push_back(static_cast<char>('a' + random.below(3)));
      Strings cuts;
      int64_t end = 0;
      const Encoding encoding = tokenizer->encode(word);
      for (size_t i = 0; i < encoding.ids.size(); ++i) {
        cuts.push_back(tokenizer->token(encoding.ids[i]));
        REQUIRE(encoding.spans[i].begin == end);
        end += static_cast<int64_t>(cuts.back().size());
        REQUIRE(encoding.spans[i].end == end);
      }
      CAPTURE(word);
      REQUIRE(cuts == merged_by_definition(word, ranks));
    }
  }
}

TEST_CASE("bpe: a word met again is cut alike, and words of one hash are not taken for another") {
  const auto tokenizer = test::made(
      {bpe({"a", "b", "ab", "ba"}, {"a b", "b a"}), "null", R"({"type":"WhitespaceSplit"})"});
  std::string text, expected;
  for (int i = 0; i < 300; ++i) {
    const bool even = i % 2 == 0;
    const auto at = text.size();
    text += even ? "aba " : "bab ";
    expected += fmt::format("{}{}:{}-{} {}:{}-{}", i > 0 ? " " : "", even ? "ab" : "b", at,
                            at + (even ? 2 : 1), even ? "a" : "ab", at + (even ? 2 : 1), at + 3);
  }
  CHECK(cut(*tokenizer, text) == expected);
  CHECK(cut(*tokenizer, text) == expected);
}

TEST_CASE("bpe: unknown characters fall away, become one token each, or one for a run") {
  const Strings tokens{"<unk>", "a", "b"};
  CHECK(cut(Recipe{bpe(tokens, {})}, "axyb").starts_with("a:0-1 b:"));
  const std::string unknown = R"(,"unk_token":"<unk>")";
  CHECK(cut(Recipe{bpe(tokens, {}, unknown)}, "ax\u00E9b") == "a:0-1 <unk>:1-2 <unk>:2-4 b:4-5");
  CHECK(cut(Recipe{bpe(tokens, {}, unknown + R"(,"fuse_unk":true)")}, "ax\u00E9bz") ==
        "a:0-1 <unk>:1-4 b:4-5 <unk>:5-6");
  CHECK(cut(Recipe{bpe(tokens, {}, unknown + R"(,"fuse_unk":false)")}, "xx") ==
        "<unk>:0-1 <unk>:1-2");
}

TEST_CASE("bpe: byte fallback needs a token for every byte of a character") {
  const Strings tokens{"<unk>", "a", "<0xC3>", "<0xA9>", "<0xE4>", "<0xB8>"};
  const std::string options = R"(,"unk_token":"<unk>","byte_fallback":true)";
  CHECK(cut(Recipe{bpe(tokens, {}, options)}, "a\u00E9a") == "a:0-1 <0xC3>:1-3 <0xA9>:1-3 a:3-4");
  // U+4E2D is E4 B8 AD, whose last byte has no token.
  CHECK(cut(Recipe{bpe(tokens, {}, options)}, "\u4E2Da") == "<unk>:0-3 a:3-4");
  CHECK(cut(Recipe{bpe(tokens, {}, R"(,"unk_token":"<unk>")")}, "\u00E9") == "<unk>:0-2");
  // The reference's oddity: an unknown character waits behind the bytes of those that follow it.
  CHECK(cut(Recipe{bpe(tokens, {}, options)}, "\u00F1\u00E9a") ==
        "<0xC3>:0-2 <0xA9>:0-2 <unk>:2-4 a:4-5");
}

TEST_CASE("bpe: bytes of a fallback merge like other tokens") {
  const Strings tokens{"<0xC3>", "<0xA9>", "<0xC3><0xA9>", "a"};
  CHECK(cut(Recipe{bpe(tokens, {"<0xC3> <0xA9>"}, R"(,"byte_fallback":true)")}, "a\u00E9") ==
        "a:0-1 <0xC3><0xA9>:1-3");
}

TEST_CASE("bpe: with ignore_merges a word that is a token is one") {
  const Strings tokens{"a", "b", "c", "ab", "abc"};
  const std::string ignore = R"(,"ignore_merges":true)";
  CHECK(cut(Recipe{bpe(tokens, {"a b"}, ignore)}, "abc") == "abc:0-3");
  CHECK(cut(Recipe{bpe(tokens, {"a b"})}, "abc") == "ab:0-2 c:2-3");
  CHECK(cut(Recipe{bpe(tokens, {"a b"}, ignore)}, "abcb") == "ab:0-2 c:2-3 b:3-4");
}

TEST_CASE("bpe: merges are texts or pairs, and a line of the version is none") {
  const auto with = [](const std::string& merges) {
    return Recipe{R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2," ":3,"a ":4},"merges":)" + merges +
                  "}"};
  };
  CHECK(cut(with(R"([["a","b"]])"), "ab") == "ab:0-2");
  CHECK(cut(with(R"([["a"," "]])"), "a b") == "a :0-2 b:2-3");
  CHECK(cut(with(R"(["#version: 0.2","a b"])"), "ab") == "ab:0-2");
  CHECK(cut(Recipe{R"({"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})"}, "ab") == "ab:0-2");
}

TEST_CASE("bpe: what is not supported or damaged is refused by name") {
  const auto refused = [](const std::string& options, const std::string& message) {
    CAPTURE(options);
    check_refused({bpe({"a", "b"}, {}, options)}, message);
  };
  refused(R"(,"dropout":0.1)", "BPE with dropout is not supported");
  refused(R"(,"dropout":"x")", "'dropout' should be a number, found string");
  refused(R"(,"continuing_subword_prefix":"##")",
          "BPE with continuing_subword_prefix is not supported");
  refused(R"(,"end_of_word_suffix":"</w>")", "BPE with end_of_word_suffix is not supported");
  refused(R"(,"unk_token":1)", "'unk_token' should be a string, found number");
  refused(R"(,"fuse_unk":1)", "'fuse_unk' should be true or false, found number");
  refused(R"(,"byte_fallback":"yes")", "'byte_fallback' should be true or false, found string");
  refused(R"(,"ignore_merges":0)", "'ignore_merges' should be true or false, found number");
  CHECK_NOTHROW(test::made({bpe({"a"}, {},
                                R"(,"dropout":null,"continuing_subword_prefix":"",)"
                                R"("end_of_word_suffix":null,"unk_token":null)")}));

  check_refused({bpe({"a", "ab"}, {"a b"})}, "merge 0 needs token 'b', which the vocabulary lacks");
  check_refused({bpe({"a", "b", "aa"}, {"a a", "a b"})},
                "merge 1 needs token 'ab', which the vocabulary lacks");
  const auto merges = [](const std::string& list, const std::string& message) {
    CAPTURE(list);
    check_refused({R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":)" + list + "}"},
                  message);
  };
  merges(R"(["ab"])", "merge 0 should be two tokens with a space between, found 'ab'");
  merges(R"(["a b","a b c"])", "merge 1 should be two tokens with a space between, found 'a b c'");
  merges(R"([["a"]])", "merge 0 should be a string or two of them");
  merges(R"([["a",1]])", "merge 0 should be a string or two of them");
  merges(R"([["a","b","c"]])", "merge 0 should be a string or two of them");
  merges("[7]", "merge 0 should be a string or two of them");
  merges("{}", "merges should be a list, found object");
  merges("null", "merges should be a list, found null");
}

TEST_CASE("bpe: a text with an unknown character, and no unknown token, is refused by both") {
  const auto tokenizer = test::made({bpe({"a"}, {}, R"(,"unk_token":"<unk>")")});
  CHECK(cut(*tokenizer, "aa") == "a:0-1 a:1-2");
  ssmi::test::check_fails(
      ExitCode::kBadInput,
      "t.json: model: the text has 'x', which the vocabulary lacks as it does the unknown token "
      "'<unk>'",
      [&] { tokenizer->encode("ax"); });
}

}  // namespace
}  // namespace ssmi::text
