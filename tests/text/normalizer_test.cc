// Expected values without another source are those of PyPI tokenizers 0.23.

#include "text/normalizer.h"

#include "recipe.h"

namespace ssmi::text {
namespace {

using test::check_refused;
using test::Recipe;
using test::rewritten;

std::string bert(const std::string& clean, const std::string& chinese, const std::string& accents,
                 const std::string& lowercase) {
  return R"({"type":"BertNormalizer","clean_text":)" + clean + R"(,"handle_chinese_chars":)" +
         chinese + R"(,"strip_accents":)" + accents + R"(,"lowercase":)" + lowercase + "}";
}

std::string form(const std::string& name) {
  return R"({"type":")" + name + R"("})";
}

TEST_CASE("normalizer: the examples of Unicode's annex 15 in all four forms") {
  // UAX #15, figures 3 to 6, and the Hangul syllable of the standard's section 3.12.
  struct Example {
    std::string text, nfd, nfc, nfkd, nfkc;
  };
  const std::vector<Example> examples{
      {"\u212B", "A\u030A", "\u00C5", "A\u030A", "\u00C5"},
      {"\u2126", "\u03A9", "\u03A9", "\u03A9", "\u03A9"},
      {"\u00C5", "A\u030A", "\u00C5", "A\u030A", "\u00C5"},
      {"\u00F4", "o\u0302", "\u00F4", "o\u0302", "\u00F4"},
      {"\u1E69", "s\u0323\u0307", "\u1E69", "s\u0323\u0307", "\u1E69"},
      {"\u1E0B\u0323", "d\u0323\u0307", "\u1E0D\u0307", "d\u0323\u0307", "\u1E0D\u0307"},
      {"q\u0307\u0323", "q\u0323\u0307", "q\u0323\u0307", "q\u0323\u0307", "q\u0323\u0307"},
      {"\uFB01", "\uFB01", "\uFB01", "fi", "fi"},
      {"2\u2075", "2\u2075", "2\u2075", "25", "25"},
      {"\u1E9B\u0323", "\u017F\u0323\u0307", "\u1E9B\u0323", "s\u0323\u0307", "\u1E69"},
      {"\uD4DB", "\u1111\u1171\u11B6", "\uD4DB", "\u1111\u1171\u11B6", "\uD4DB"},
      {"\u1111\u1171\u11B6", "\u1111\u1171\u11B6", "\uD4DB", "\u1111\u1171\u11B6", "\uD4DB"},
      // A character that is excluded from composition.
      {"\u0958", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C"},
      // A starter between keeps a mark from composing.
      {"e\u200B\u0301", "e\u200B\u0301", "e\u200B\u0301", "e\u200B\u0301", "e\u200B\u0301"}};
  for (const Example& example : examples) {
    CAPTURE(example.text);
    CHECK(rewritten(form("NFD"), example.text).text == example.nfd);
    CHECK(rewritten(form("NFC"), example.text).text == example.nfc);
    CHECK(rewritten(form("NFKD"), example.text).text == example.nfkd);
    CHECK(rewritten(form("NFKC"), example.text).text == example.nfkc);
  }
}

TEST_CASE("normalizer: characters after Unicode 9 do not decompose, as in the reference") {
  CHECK(rewritten(form("NFD"), "\U00011938").text == "\U00011938");
  CHECK(rewritten(form("NFC"), "\U00011935\U00011930").text == "\U00011935\U00011930");
  CHECK(rewritten(form("NFD"), "\U000114BB").text == "\U000114B9\U000114BA");  // Unicode 7
}

TEST_CASE("normalizer: what is composed or taken apart stands for the bytes it comes from") {
  const auto composed = rewritten(form("NFC"), "xe\u0301y");
  CHECK(composed.text == "x\u00E9y");
  CHECK(composed.spans == std::vector<Span>{{0, 1}, {1, 2}, {1, 2}, {4, 5}});
  const auto apart = rewritten(form("NFD"), "x\u00E9y");
  CHECK(apart.text == "xe\u0301y");
  CHECK(apart.spans == std::vector<Span>{{0, 1}, {1, 3}, {1, 3}, {1, 3}, {3, 4}});
  const auto ligature = rewritten(form("NFKC"), "a\uFB03");
  CHECK(ligature.text == "affi");
  CHECK(ligature.spans == std::vector<Span>{{0, 1}, {1, 4}, {1, 4}, {1, 4}});
}

TEST_CASE("normalizer: BertNormalizer cleans, sets Chinese apart, strips accents, lowers case") {
  CHECK(rewritten(bert("true", "true", "null", "true"), "H\u00C9\u4E2Db\t\n\x07!").text ==
        "he \u4E2D b  !");
  CHECK(rewritten(bert("true", "false", "false", "false"),
                  std::string("a\0b\uFFFDc\r\u00A0\u200Bd", 14))
            .text == "abc  d");
  CHECK(rewritten(bert("false", "true", "false", "false"), "\u3400\u3041\U00020000").text ==
        " \u3400 \u3041 \U00020000 ");
  CHECK(rewritten(bert("false", "false", "true", "false"), "\u00C9\u00F1\u0628\u064E").text ==
        "En\u0628");
  CHECK(rewritten(bert("false", "false", "false", "true"), "\u00C9").text == "\u00E9");
  CHECK(rewritten(bert("false", "false", "false", "false"), "\u00C9\t").text == "\u00C9\t");
}

TEST_CASE("normalizer: BertNormalizer strips accents where it lowers case, unless told otherwise") {
  CHECK(rewritten(bert("false", "false", "null", "true"), "\u00C9").text == "e");
  CHECK(rewritten(bert("false", "false", "null", "false"), "\u00C9").text == "\u00C9");
  CHECK(rewritten(R"({"type":"BertNormalizer","clean_text":false,"handle_chinese_chars":false,)"
                  R"("lowercase":true})",
                  "\u00C9")
            .text == "e");
}

TEST_CASE("normalizer: what BertNormalizer puts in or takes out moves no span") {
  const auto chinese = rewritten(bert("true", "true", "true", "true"), "a\u4E2D\x01\u00C9");
  CHECK(chinese.text == "a \u4E2D e");
  CHECK(chinese.spans == std::vector<Span>{{0, 1}, {1, 4}, {1, 4}, {1, 4}, {1, 4}, {1, 4}, {5, 7}});
}

TEST_CASE("normalizer: Lowercase takes each character by itself") {
  const auto dotted = rewritten(form("Lowercase"), "A\u0130b");
  CHECK(dotted.text == "ai\u0307b");
  CHECK(dotted.spans == std::vector<Span>{{0, 1}, {1, 3}, {1, 3}, {1, 3}, {3, 4}});
  // No final sigma; letters of two, three and four bytes; a title case; a sharp s.
  CHECK(rewritten(form("Lowercase"), "\u039F\u03A3 \u0416 \u1E9E \U00010400 \u01C5 \u2160").text ==
        "\u03BF\u03C3 \u0436 \u00DF \U00010428 \u01C6 \u2170");
  CHECK(rewritten(form("Lowercase"), "az_09\u00E9@[`{").text == "az_09\u00E9@[`{");
  CHECK(rewritten(form("Lowercase"), "\u0100\u0101\u0102\u0139\u017D").text ==
        "\u0101\u0101\u0103\u013A\u017E");
}

TEST_CASE("normalizer: StripAccents takes out marks that stand alone") {
  const auto stripped = rewritten(form("StripAccents"), "e\u0301\u00E9\u0327.");
  CHECK(stripped.text == "e\u00E9.");
  CHECK(stripped.spans == std::vector<Span>{{0, 1}, {3, 5}, {3, 5}, {7, 8}});
}

TEST_CASE("normalizer: Strip takes white space off either end") {
  const auto strip = [](const char* left, const char* right, std::string_view text) {
    return rewritten(
        std::string(R"({"type":"Strip","strip_left":)") + left + R"(,"strip_right":)" + right + "}",
        text);
  };
  const std::string text = " \u00A0\u3000a b\t\n";
  CHECK(strip("true", "true", text).text == "a b");
  CHECK(strip("true", "true", text).spans == std::vector<Span>{{6, 7}, {7, 8}, {8, 9}});
  CHECK(strip("true", "false", text).text == "a b\t\n");
  CHECK(strip("false", "true", text).text == " \u00A0\u3000a b");
  CHECK(strip("false", "false", text).text == text);
  CHECK(strip("true", "true", " \n ").text.empty());
  CHECK(strip("true", "true", "").text.empty());
}

TEST_CASE("normalizer: Prepend goes before every text but the empty one") {
  const std::string prepend = R"({"type":"Prepend","prepend":"\u2581"})";
  const auto out = rewritten(prepend, "\u00E9a");
  CHECK(out.text == "\u2581\u00E9a");
  CHECK(out.spans == std::vector<Span>{{0, 2}, {0, 2}, {0, 2}, {0, 2}, {0, 2}, {2, 3}});
  CHECK(rewritten(prepend, "").text.empty());
}

TEST_CASE("normalizer: Replace takes a text or a regular expression") {
  const auto replace = [](const std::string& pattern, const std::string& content,
                          std::string_view text) {
    return rewritten(
        R"({"type":"Replace","pattern":)" + pattern + R"(,"content":")" + content + R"("})", text);
  };
  CHECK(replace(R"({"String":"."})", "-", "a.b").text == "a-b");
  CHECK(replace(R"({"Regex":"."})", "-", "a.b").text == "---");
  CHECK(replace(R"({"Regex":" {2,}"})", " ", "a   b c").text == "a b c");
  CHECK(replace(R"({"String":"aa"})", "b", "aaaaa").text == "bba");
  CHECK(replace(R"({"String":"x"})", "", "axbx").text == "ab");
  CHECK(replace(R"({"String":"z"})", "y", "axbx").text == "axbx");
  const auto wider = replace(R"({"String":" "})", "\u2581", "a b");
  CHECK(wider.text == "a\u2581b");
  CHECK(wider.spans == std::vector<Span>{{0, 1}, {1, 2}, {1, 2}, {1, 2}, {2, 3}});
  const auto shorter = replace(R"({"String":"bcd"})", "X", "abcde");
  CHECK(shorter.text == "aXe");
  CHECK(shorter.spans == std::vector<Span>{{0, 1}, {3, 4}, {4, 5}});
}

TEST_CASE("normalizer: the steps of a Sequence follow one another") {
  const std::string lower = form("Lowercase");
  const std::string replace = R"({"type":"Replace","pattern":{"String":"a"},"content":"B"})";
  const auto sequence = [](const std::string& steps) {
    return R"({"type":"Sequence","normalizers":[)" + steps + "]}";
  };
  CHECK(rewritten(sequence(lower + "," + replace), "Aa").text == "BB");
  CHECK(rewritten(sequence(replace + "," + lower), "Aa").text == "ab");
  CHECK(rewritten(sequence(sequence(replace) + "," + sequence("") + ",null"), "Aa").text == "AB");
  CHECK(rewritten("null", "Aa").text == "Aa");
}

TEST_CASE("normalizer: what is not supported or damaged is refused by name") {
  const auto refused = [](const std::string& normalizer, const std::string& message) {
    CAPTURE(normalizer);
    check_refused({test::whole_words({}), normalizer}, message);
  };
  for (const std::string name : {"Precompiled", "Nmt", "ByteLevel", "nfc", "Unknown"})
    refused(form(name), "normalizer '" + name + "' is not supported");
  refused("3", "normalizer: expected a JSON object, found number");
  refused("{}", "normalizer: key 'type' is missing");
  refused(R"({"type":7})", "'type' should be a string, found number");
  refused(R"({"type":"Sequence"})", "key 'normalizers' is missing");
  refused(R"({"type":"Sequence","normalizers":{}})", "normalizers should be a list");
  refused(R"({"type":"Strip","strip_left":true})", "key 'strip_right' is missing");
  refused(R"({"type":"Prepend","prepend":null})", "'prepend' should be a string, found null");
  refused(R"({"type":"Replace","content":""})", "key 'pattern' is missing");
  refused(R"({"type":"Replace","pattern":"a","content":""})",
          "Replace's pattern: expected a JSON object, found string");
  refused(R"({"type":"Replace","pattern":{},"content":""})", "key 'Regex' is missing");
  refused(R"({"type":"Replace","pattern":{"Regex":"a*"},"content":"b"})",
          "normalizer Replace: its pattern matches nothing at all; not supported");
  refused(R"({"type":"Replace","pattern":{"String":""},"content":"b"})",
          "its pattern matches nothing at all");
  refused(bert("1", "true", "true", "true"), "'clean_text' should be true or false, found number");
  refused(bert("true", "true", "\"x\"", "true"), "'strip_accents' should be true or false");
  std::string nested = form("NFC");
  for (int depth = 0; depth < 9; ++depth) {
    nested.insert(0, R"({"type":"Sequence","normalizers":[)");
    nested += "]}";
  }
  CHECK_NOTHROW(test::made({test::whole_words({}), nested}));
  refused(R"({"type":"Sequence","normalizers":[)" + nested + "]}",
          "normalizers nested more than 8 deep");
}

}  // namespace
}  // namespace ssmi::text
