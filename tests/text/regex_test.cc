// What a pattern matches is by Oniguruma's documentation (doc/RE) and Unicode's categories.

#include "text/regex.h"

#include "recipe.h"

namespace ssmi::text {
namespace {

using ssmi::test::check_fails;
using Strings = std::vector<std::string>;

Strings matches(const std::string& pattern, const std::string& text) {
  Strings out;
  for (const auto& [begin, end] : Regex(pattern, "t.json").find_all(text))
    out.push_back(text.substr(begin, end - begin));
  return out;
}

TEST_CASE("regex: matches follow one another, the empty ones too") {
  CHECK(matches("a|bc", "abcxa") == Strings{"a", "bc", "a"});
  CHECK(Regex("a*", "t.json").find_all("baac") == std::vector<Match>{{0, 0}, {1, 3}, {4, 4}});
  CHECK(Regex("x?", "t.json").find_all("\u00E9") == std::vector<Match>{{0, 0}, {2, 2}});
  CHECK(Regex("(?=b)", "t.json").find_all("abab") == std::vector<Match>{{1, 1}, {3, 3}});
  CHECK(Regex("a", "t.json").find_all("").empty());
}

TEST_CASE("regex: a literal is only itself") {
  const std::string text = ".*+?()[]{}|^$\\ #-&a\n\u00E9";
  const auto literal = [](const std::string& part) { return Regex::literal(part, "t.json"); };
  CHECK(literal(text).find_all(text + text) ==
        std::vector<Match>{{0, text.size()}, {text.size(), 2 * text.size()}});
  for (const std::string special : {".", "*", "+", "?", "(", "[", "{", "|", "^", "$", "\\", " "})
    CHECK(literal(special).find_all("x" + special + "y") == std::vector<Match>{{1, 2}});
  CHECK(literal("\\d").find_all("1\\d") == std::vector<Match>{{1, 3}});
  CHECK(literal("").matches_empty());
}

TEST_CASE("regex: white space is Unicode's, inside classes and outside") {
  const std::string spaces =
                        "\t\n\v\f\r \u0085\u00A0\u1680\u2000\u200A\u2028\u2029\u202F\u205F\u3000",
                    others = "a\u180E\u200B\uFEFF\u2060\x1F";
  for (const std::string pattern : {"\\s", "[\\s]", "[x\\s]"}) {
    CAPTURE(pattern);
    CHECK(matches(pattern, spaces).size() == 16);
    CHECK(matches(pattern, others).empty());
  }
  for (const std::string pattern : {"\\S", "[\\S]", "[^\\s]"}) {
    CAPTURE(pattern);
    CHECK(matches(pattern, others).size() == 6);
    CHECK(matches(pattern, spaces).empty());
  }
}

TEST_CASE("regex: digits and categories") {
  CHECK(matches("\\d", "1\u0663\u00BD\u2167a") == Strings{"1", "\u0663"});
  CHECK(matches("[\\d]", "1\u0663\u00BD") == Strings{"1", "\u0663"});
  CHECK(matches("\\D+", "1ab2") == Strings{"ab"});
  CHECK(matches("\\p{N}", "1\u0663\u00BD\u2167a") == Strings{"1", "\u0663", "\u00BD", "\u2167"});
  CHECK(matches("\\p{L}+", "aB\u00E9_\u4E2D1") == Strings{"aB\u00E9", "\u4E2D"});
  CHECK(matches("\\P{L}+", "a1_b") == Strings{"1_"});
  CHECK(matches("\\p{^L}+", "a1_b") == Strings{"1_"});
  CHECK(matches("\\P{^L}+", "1ab_") == Strings{"ab"});
  CHECK(matches("\\p{Lu}|\\p{Sc}|\\p{Pd}", "aB$-+") == Strings{"B", "$", "-"});
  CHECK(matches("\\p{Han}+|\\p{Hiragana}+", "a\u4E2D\u6587\u3042") ==
        Strings{"\u4E2D\u6587", "\u3042"});
  CHECK(matches("[^\\p{L}\\p{N}]+", "a-*1") == Strings{"-*"});
}

TEST_CASE("regex: letters that are newer than an old PCRE2 are letters") {
  // U+1C89 is of Unicode 16, U+31350 of 15: Debian's PCRE2 has the tables of 14.
  CHECK(matches("\\p{L}", "\u1C89\U00031350") == Strings{"\u1C89", "\U00031350"});
  CHECK(matches("[\\p{Lu}]", "\u1C89") == Strings{"\u1C89"});
  CHECK(matches("\\P{L}|[^\\p{L}]", "\u1C89").empty());
}

TEST_CASE("regex: code points, control characters, anchors") {
  CHECK(matches("\\x41|\\x{e9}|\\u4e2D", "A\u00E9\u4E2D") == Strings{"A", "\u00E9", "\u4E2D"});
  CHECK(matches("[\\u4e00-\\u9fff]", "a\u4E2D") == Strings{"\u4E2D"});
  CHECK(matches("\\v", "\v\n\r") == Strings{"\v"});
  CHECK(matches("\\t\\n\\r\\f\\a\\e", "\t\n\r\f\a\x1B").size() == 1);
  CHECK(matches("\\A.", "ab") == Strings{"a"});
  CHECK(matches(".\\z", "ab") == Strings{"b"});
  CHECK(matches("\\.\\-\\\u00E9", ".-\u00E9") == Strings{".-\u00E9"});
}

TEST_CASE("regex: groups, repetitions and classes within classes") {
  CHECK(matches("(?i:'s|'t)", "'S't'x") == Strings{"'S", "'t"});
  CHECK(matches("(?i)ab", "aBAB") == Strings{"aB", "AB"});
  CHECK(matches("(?<=a)b|(?<!a)c|d(?!e)", "abacdcde") == Strings{"b", "d", "c"});
  CHECK(matches("\\d{1,3}", "12345") == Strings{"123", "45"});
  CHECK(matches("a{2}|b{2,}", "aaabbb") == Strings{"aa", "bbb"});
  CHECK(matches("(?>a+)b", "aab") == Strings{"aab"});
  CHECK(matches("[a[bc]]+", "xabc") == Strings{"abc"});
  CHECK(matches("[^a[b]]", "abc") == Strings{"c"});
  CHECK(matches("[a\\]]+", "]a[") == Strings{"]a"});
  CHECK(matches("[-a]+|a++b", "a-b") == Strings{"a-"});
}

TEST_CASE("regex: what PCRE2 may read otherwise is refused by name") {
  const std::vector<std::pair<std::string, std::string>> patterns{
      {"\\w", "'\\w'"},
      {"a\\b", "'\\b'"},
      {"\\h", "'\\h'"},
      {"(a)\\1", "'\\1'"},
      {"\\0", "'\\0'"},
      {"\\R", "'\\R'"},
      {"\\X", "'\\X'"},
      {"\\K", "'\\K'"},
      {"\\G", "'\\G'"},
      {"\\Z", "'\\Z'"},
      {"\\k<a>", "'\\k'"},
      {"\\Qa\\E", "'\\Q'"},
      {"[\\A]", "'\\A'"},
      {"(?<n>a)", "(?<n"},
      {"(?#c)", "(?#c"},
      {"(?m:a)", "(?m:"},
      {"(?x)", "(?x)"},
      {"(*UTF)", "'(*'"},
      {"a{2}+", "'+' or '?' behind '}'"},
      {"a{2}?", "'+' or '?' behind '}'"},
      {"a{,2}", "'{' without a number"},
      {"a{b", "'{' without a number"},
      {"a{1", "'{' that begins no repetition"},
      {"[a&&b]", "'&&' in a class"},
      {"[[:alpha:]]", "'[:' in a class"},
      {"[a[^b]]", "'[^' in a class"},
      {"[]a]", "']' as a class's first member"},
      {"[a", "'[' without ']'"},
      {"\\pL", "'\\p' without braces"},
      {"\\p{L", "'\\p' without braces"},
      {"\\p{Alpha}", "property 'Alpha'"},
      {"\\p{Greek}", "property 'Greek'"},
      {"[\\P{L}]", "a negated property in a class"},
      {"a\\", "a backslash at its end"},
      {"\\x", "a damaged code point"},
      {"\\x{41", "a damaged code point"},
      {"\\u41", "a damaged code point"},
      {"\\xe9", "a byte by its number"}};
  for (const auto& [pattern, what] : patterns) {
    CAPTURE(pattern);
    check_fails(ExitCode::kBadInput,
                "t.json: pattern '" + pattern + "' uses " + what + ", which is not supported",
                [&] { Regex(pattern, "t.json"); });
  }
  std::string nested = "a";
  for (int depth = 0; depth < 10; ++depth)
    nested = "[" + nested + "]";
  check_fails(ExitCode::kBadInput, "classes nested too deeply", [&] { Regex(nested, "t.json"); });
}

TEST_CASE("regex: a pattern that is none says what is wrong with it") {
  for (const std::string pattern :
       {"(a", "a)", "*a", "[b-a]", "a{3,2}", "(?<=a+)b", "\\x{110000}"}) {
    CAPTURE(pattern);
    check_fails(ExitCode::kBadInput,
                "t.json: pattern '" + pattern + "': ", [&] { Regex(pattern, "t.json"); });
  }
  check_fails(ExitCode::kBadInput, "t.json: a pattern of 65537 bytes; at most 65536 are read",
              [] { Regex(std::string(65537, 'a'), "t.json"); });
  check_fails(ExitCode::kBadInput, "pattern '((((((",
              [] { Regex(std::string(5000, '('), "t.json"); });
}

TEST_CASE("regex: published patterns take runs of any length") {
  const Regex llama3(
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
      R"(|\s*[\r\n]+|\s+(?!\S)|\s+)",
      "t.json");
  const size_t length = 300'000;
  for (const char c : {'a', ' ', '\n', '+'})
    CHECK(llama3.find_all(std::string(length, c)) == std::vector<Match>{{0, length}});
  CHECK(llama3.find_all(std::string(length, '1')).size() == length / 3);
  CHECK(llama3.find_all(std::string(length, ' ') + "a") ==
        std::vector<Match>{{0, length - 1}, {length - 1, length + 1}});
}

TEST_CASE("regex: a pattern that never ends on a text is given up") {
  const Regex regex("(a|aa)+$", "t.json");
  CHECK(regex.find_all("aaaa") == std::vector<Match>{{0, 4}});
  check_fails(ExitCode::kBadInput, "t.json: a pattern fails on this text: ", [&] {
    regex.find_all(std::string(80, 'a') + "b");
  });
}

// As PyPI tokenizers splits these texts.
TEST_CASE("regex: lines begin and end at every line feed") {
  const auto places = [](const std::string& pattern, const std::string& text) {
    return Regex(pattern, "t.json").find_all(text);
  };
  CHECK(places("a$", "a\na a\n") == std::vector<Match>{{0, 1}, {4, 5}});
  CHECK(places("^a", "a\na\n") == std::vector<Match>{{0, 1}, {2, 3}});
  CHECK(places("\\s+$", "x  \n \ny  ") == std::vector<Match>{{1, 5}, {7, 9}});
  CHECK(places("^", "a\n\nb\n") == std::vector<Match>{{0, 0}, {2, 2}, {3, 3}});
}

TEST_CASE("regex: scripts are those of the characters themselves") {
  CHECK(matches("\\p{Han}+", "\u3005\u4E00\u30FB\u3002") == Strings{"\u3005\u4E00"});
  CHECK(matches("[\\p{Katakana}]+", "\u30FC\u30A2\u30FB") == Strings{"\u30A2"});
}

}  // namespace
}  // namespace ssmi::text
