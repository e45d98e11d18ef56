#include "text/utf8.h"

#include "recipe.h"

namespace ssmi::text {
namespace {

std::string repaired(std::string_view text) {
  return std::string(ValidText(text).text());
}

TEST_CASE("text utf8: damage is repaired by maximal parts, as Unicode 15 (table 3-8) shows") {
  const std::string r = "\uFFFD";
  CHECK(repaired("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64") ==
        "a" + r + r + r + "b" + r + "c" + r + r + "d");
  // Tables 3-9 to 3-11: not the shortest form, surrogates, beyond the last code and cut off.
  CHECK(repaired("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41") == r + r + r + r + r + r + r + r + "A");
  CHECK(repaired("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41") == r + r + r + r + r + r + r + r + "A");
  CHECK(repaired("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42") == r + r + r + r + r + "A" + r + r + "B");
  CHECK(repaired("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41") == r + r + r + r + "A");
}

TEST_CASE("text utf8: what is sound stays where it is") {
  const std::string text = "abcdefgh\u00E9ijklmnop\u4E2D\U0001F600\uFFFD";
  const ValidText valid(text);
  CHECK(valid.text().data() == text.data());
  CHECK(valid.source(static_cast<int64_t>(text.size())) == static_cast<int64_t>(text.size()));
  CHECK(ValidText("").text().empty());
}

TEST_CASE("text utf8: each byte knows its place in the source") {
  const ValidText valid("12345678ab\xC3z\xF0\x9F\x98\u00E9");
  CHECK(valid.text() == "12345678ab\uFFFDz\uFFFD\u00E9");
  std::vector<int64_t> places;
  for (int64_t at = 8; at <= 19; ++at)
    places.push_back(valid.source(at));
  CHECK(places == std::vector<int64_t>{8, 9, 10, 10, 10, 11, 12, 12, 12, 15, 15, 17});
}

TEST_CASE("text utf8: tokens of damaged bytes span just those") {
  const auto rewritten = test::rewritten("null", "a\xFF\xE2\x82z");
  CHECK(rewritten.text == "a\uFFFD\uFFFDz");
  CHECK(rewritten.spans ==
        std::vector<Span>{{0, 1}, {1, 2}, {1, 2}, {1, 2}, {2, 4}, {2, 4}, {2, 4}, {4, 5}});
  CHECK(test::rewritten("null", "\xC3").spans == std::vector<Span>{{0, 1}, {0, 1}, {0, 1}});
}

TEST_CASE("text utf8: characters forward and backward") {
  const std::string text = "a\u00E9\u4E2D\U0010FFFF";
  const std::u32string codes = U"a\u00E9\u4E2D\U0010FFFF";
  CHECK(to_utf32(text) == codes);
  CHECK(count_characters(text) == 4);
  std::string copy;
  for (const char32_t code : codes)
    append_utf8(code, copy);
  CHECK(copy == text);
  CHECK(character_before(text, 10).code == 0x10FFFF);
  CHECK(character_before(text, 6).code == 0x4E2D);
  CHECK(character_before(text, 3).code == 0xE9);
  CHECK(character_before(text, 1).code == 'a');
}

}  // namespace
}  // namespace ssmi::text
