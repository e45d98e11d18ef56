// Expected values without another source are those of PyPI tokenizers 0.23.

#include "text/pre_tokenizer.h"

#include "recipe.h"

namespace ssmi::text {
namespace {

using test::check_refused;
using test::cut;
using test::rewritten;
using test::whole_words;
using test::words;
using Words = std::vector<std::string>;

std::string split(const std::string& pattern, const std::string& behavior, bool invert = false) {
  return R"({"type":"Split","pattern":)" + pattern + R"(,"behavior":")" + behavior +
         R"(","invert":)" + (invert ? "true" : "false") + "}";
}

std::string typed(const std::string& type, const std::string& options = "") {
  return R"({"type":")" + type + "\"" + options + "}";
}

const std::string kDash = R"({"String":"-"})";

TEST_CASE("pre_tokenizer: the behaviours of Split by the example of tokenizers' documentation") {
  const std::string text = "the-final--countdown";
  CHECK(words(split(kDash, "Removed"), text) == Words{"the", "final", "countdown"});
  CHECK(words(split(kDash, "Isolated"), text) == Words{"the", "-", "final", "-", "-", "countdown"});
  CHECK(words(split(kDash, "Contiguous"), text) == Words{"the", "-", "final", "--", "countdown"});
  CHECK(words(split(kDash, "MergedWithPrevious"), text) ==
        Words{"the-", "final-", "-", "countdown"});
  CHECK(words(split(kDash, "MergedWithNext"), text) == Words{"the", "-final", "-", "-countdown"});
}

TEST_CASE("pre_tokenizer: delimiters at both ends, alone, and none") {
  CHECK(words(split(kDash, "Removed"), "-a-") == Words{"a"});
  CHECK(words(split(kDash, "Removed"), "--").empty());
  CHECK(words(split(kDash, "MergedWithPrevious"), "--a-") == Words{"-", "-", "a-"});
  CHECK(words(split(kDash, "MergedWithNext"), "-a--") == Words{"-a", "-", "-"});
  CHECK(words(split(kDash, "Contiguous"), "--a") == Words{"--", "a"});
  CHECK(words(split(kDash, "Isolated"), "ab") == Words{"ab"});
  CHECK(words(split(kDash, "Isolated"), "").empty());
}

TEST_CASE("pre_tokenizer: an inverted Split takes what is between matches for the delimiters") {
  const std::string letters = R"({"Regex":"[a-z]+"})", text = "ab, c!";
  CHECK(words(split(letters, "Removed", true), text) == Words{"ab", "c"});
  CHECK(words(split(letters, "Isolated", true), text) == Words{"ab", ", ", "c", "!"});
  CHECK(words(split(letters, "MergedWithPrevious", true), text) == Words{"ab, ", "c!"});
  CHECK(words(split(letters, "MergedWithNext", true), text) == Words{"ab", ", c", "!"});
  CHECK(words(split(letters, "Contiguous", true), text) == Words{"ab", ", ", "c", "!"});
}

TEST_CASE("pre_tokenizer: a Split's text is no regular expression, its pattern is one") {
  CHECK(words(split(R"({"String":"."})", "Removed"), "a.bc") == Words{"a", "bc"});
  CHECK(words(split(R"({"String":"\\d+"})", "Removed"), "1\\d+2") == Words{"1", "2"});
  CHECK(words(split(R"({"Regex":"\\s+(?!\\S)|\\s+"})", "Isolated"), "a   b ") ==
        Words{"a", "  ", " ", "b", " "});
  CHECK(words(split(R"x({"Regex":"(?<=[a-z])(?=[A-Z])"})x", "Isolated"), "camelCaseX") ==
        Words{"camel", "Case", "X"});
}

TEST_CASE("pre_tokenizer: Digits cuts off numbers of all kinds, one by one or together") {
  const std::string text = "a12b\u0663\u00BD\u2167c";
  CHECK(words(typed("Digits", R"(,"individual_digits":true)"), text) ==
        Words{"a", "1", "2", "b", "\u0663", "\u00BD", "\u2167", "c"});
  CHECK(words(typed("Digits", R"(,"individual_digits":false)"), text) ==
        Words{"a", "12", "b", "\u0663\u00BD\u2167", "c"});
}

TEST_CASE("pre_tokenizer: Punctuation of ASCII and of Unicode, by each behaviour") {
  const std::string text = "a!!b\u2014$_c";
  CHECK(words(typed("Punctuation"), text) == Words{"a", "!", "!", "b", "\u2014", "$", "_", "c"});
  const auto by = [&](const std::string& behavior) {
    return words(typed("Punctuation", R"(,"behavior":")" + behavior + "\""), text);
  };
  CHECK(by("Isolated") == words(typed("Punctuation"), text));
  CHECK(by("Removed") == Words{"a", "b", "c"});
  CHECK(by("Contiguous") == Words{"a", "!!", "b", "\u2014$_", "c"});
  CHECK(by("MergedWithPrevious") == Words{"a!", "!", "b\u2014", "$", "_", "c"});
  CHECK(by("MergedWithNext") == Words{"a", "!", "!b", "\u2014", "$", "_c"});
  CHECK(words(typed("Punctuation"), "x+y<z=\u20AC`^|~") ==
        Words{"x", "+", "y", "<", "z", "=", "\u20AC", "`", "^", "|", "~"});
}

TEST_CASE("pre_tokenizer: Whitespace, WhitespaceSplit and BertPreTokenizer") {
  const std::string text = "Hey,  (man)_1!?\u00A0\u00E9\u4E2D\n";
  CHECK(words(typed("Whitespace"), text) ==
        Words{"Hey", ",", "(", "man", ")", "_1", "!?", "\u00E9\u4E2D"});
  CHECK(words(typed("WhitespaceSplit"), text) == Words{"Hey,", "(man)_1!?", "\u00E9\u4E2D"});
  CHECK(words(typed("BertPreTokenizer"), text) ==
        Words{"Hey", ",", "(", "man", ")", "_", "1", "!", "?", "\u00E9\u4E2D"});
}

TEST_CASE("pre_tokenizer: Metaspace marks the spaces and, by its scheme, the beginning") {
  const auto metaspace = [](const std::string& options) {
    return typed("Metaspace", R"(,"replacement":"\u2581")" + options);
  };
  const std::string model = whole_words({"\u2581a", "\u2581b", "a", "\u2581", "\u2581a\u2581b"});
  const std::string added =
      R"([{"id":0,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,)"
      R"("normalized":false,"special":true}])";
  const auto cuts = [&](const std::string& options, const std::string& text) {
    return cut({model, "null", metaspace(options), "null", added}, text);
  };
  CHECK(cuts("", "a b") == "\u2581a:0-1 \u2581b:1-3");
  CHECK(cuts("", " a  b") == "\u2581a:0-2 \u2581:2-3 \u2581b:3-5");
  CHECK(cuts("", "\u2581a") == "\u2581a:0-4");
  CHECK(cuts("", "").empty());
  CHECK(cuts(R"(,"prepend_scheme":"always")", "a<s>a") == "\u2581a:0-1 <s>:1-4 \u2581a:4-5");
  CHECK(cuts(R"(,"prepend_scheme":"first")", "a<s>a") == "\u2581a:0-1 <s>:1-4 a:4-5");
  CHECK(cuts(R"(,"prepend_scheme":"never")", "a<s>a b") == "a:0-1 <s>:1-4 a:4-5 \u2581b:5-7");
  CHECK(cuts(R"(,"prepend_scheme":"always","split":false)", "a b") == "\u2581a\u2581b:0-3");
  CHECK(cuts(R"(,"add_prefix_space":true)", "a b") == "\u2581a:0-1 \u2581b:1-3");
  CHECK(cut({whole_words({"_a", "_b"}), "null", typed("Metaspace", R"(,"replacement":"_")")},
            "a b") == "_a:0-1 _b:1-3");
}

TEST_CASE("pre_tokenizer: ByteLevel cuts as GPT-2's pattern does") {
  const std::string gpt2 = typed("ByteLevel", R"(,"add_prefix_space":false,"trim_offsets":true)");
  CHECK(words(gpt2, "I'm you're it's we'll I'd they've don't 'S'x") ==
        Words{"I", "'m", " you", "'re", " it", "'s", " we", "'ll", " I", "'d", " they", "'ve",
              " don", "'t", " '", "S", "'", "x"});
  CHECK(words(gpt2, "a  b\t c \n\n d  ") == Words{"a", " ", " b", "\t", " c", " \n\n", " d", "  "});
  CHECK(words(gpt2, "x1+=22.5 _f(\u00E9\u0663)\u00A0\u00BD") ==
        Words{"x", "1", "+=", "22", ".", "5", " _", "f", "(", "\u00E9", "\u0663", ")", "\u00A0",
              "\u00BD"});
  CHECK(words(gpt2, "'") == Words{"'"});
  CHECK(words(gpt2, "''s'r're") == Words{"''", "s", "'", "r", "'re"});
  CHECK(words(gpt2, "\n a") == Words{"\n", " a"});
  CHECK(words(gpt2, "\n\na") == Words{"\n", "\n", "a"});
}

TEST_CASE("pre_tokenizer: ByteLevel writes bytes in GPT-2's alphabet, each for its character") {
  const std::string raw = typed("ByteLevel", R"(,"add_prefix_space":false,"use_regex":false)");
  // GPT-2's encoder.py: bytes 0 to 32 are U+0100 to U+0120, 127 to 160 U+0121 to U+0142, 173
  // U+0143.
  CHECK(rewritten("null", std::string("\0 \n", 3), raw).text == "\u0100\u0120\u010A");
  CHECK(rewritten("null", "\x7F!~", raw).text == "\u0121!~");
  const auto accent = rewritten("null", "a\u00E9", raw);  // C3 A9
  CHECK(accent.text == "a\u00C3\u00A9");
  CHECK(accent.spans == std::vector<Span>{{0, 1}, {1, 3}, {1, 3}, {1, 3}, {1, 3}});
  CHECK(rewritten("null", "\u00AD\u00A0\u0080", raw).text ==
        "\u00C2\u0143\u00C2\u0142\u00C2\u0122");
  CHECK(rewritten("null", "a b", raw).text == "a\u0120b");
}

TEST_CASE("pre_tokenizer: ByteLevel's prefix space is put where there is none") {
  const std::string prefix = typed("ByteLevel", R"(,"add_prefix_space":true)");
  const auto put = rewritten("null", "a b", prefix);
  CHECK(put.text == "\u0120a\u0120b");
  CHECK(put.spans == std::vector<Span>{{0, 1}, {0, 1}, {0, 1}, {1, 2}, {1, 2}, {2, 3}});
  CHECK(rewritten("null", " a", prefix).text == "\u0120a");
  CHECK(rewritten("null", "\ta", prefix).text == "\u0120\u0109a");
  CHECK(rewritten("null", "", prefix).text.empty());
}

TEST_CASE("pre_tokenizer: the steps of a Sequence cut each other's words") {
  const auto sequence = [](const std::string& steps) {
    return R"({"type":"Sequence","pretokenizers":[)" + steps + "]}";
  };
  const std::string digits = typed("Digits", R"(,"individual_digits":true)");
  CHECK(words(sequence(typed("WhitespaceSplit") + "," + digits), "ab12 3") ==
        Words{"ab", "1", "2", "3"});
  CHECK(words(sequence(split(kDash, "MergedWithNext") + "," + split(kDash, "Isolated")), "a-b") ==
        Words{"a", "-", "b"});
  CHECK(words(sequence(""), "a b") == Words{"a b"});
  CHECK(words("null", "a b") == Words{"a b"});
}

TEST_CASE("pre_tokenizer: what is not supported or damaged is refused by name") {
  const auto refused = [](const std::string& step, const std::string& message) {
    CAPTURE(step);
    check_refused({whole_words({}), "null", step}, message);
  };
  for (const std::string name :
       {"UnicodeScripts", "CharDelimiterSplit", "FixedLength", "bytelevel"})
    refused(typed(name), "pre_tokenizer '" + name + "' is not supported");
  refused("[]", "pre_tokenizer: expected a JSON object, found array");
  refused(typed("Sequence"), "key 'pretokenizers' is missing");
  refused(typed("Sequence", R"(,"pretokenizers":1)"), "pretokenizers should be a list");
  refused(typed("ByteLevel"), "key 'add_prefix_space' is missing");
  refused(typed("ByteLevel", R"(,"add_prefix_space":true,"use_regex":0)"),
          "'use_regex' should be true or false, found number");
  refused(typed("Digits"), "key 'individual_digits' is missing");
  refused(typed("Punctuation", R"(,"behavior":"isolated")"), "unknown behavior 'isolated'");
  refused(split(kDash, "Joined"), "unknown behavior 'Joined'");
  refused(split("{}", "Removed"), "Split's pattern: key 'Regex' is missing");
  refused(typed("Metaspace"), "key 'replacement' is missing");
  refused(typed("Metaspace", R"(,"replacement":"__")"),
          "replacement should be one character, found '__'");
  refused(typed("Metaspace", R"(,"replacement":"")"), "replacement should be one character");
  refused(typed("Metaspace", R"(,"replacement":"_","prepend_scheme":"last")"),
          "unknown prepend_scheme 'last'");
  refused(typed("Metaspace", R"(,"replacement":"_","add_prefix_space":false)"),
          "add_prefix_space false contradicts prepend_scheme");
  std::string nested = typed("Whitespace");
  for (int depth = 0; depth < 10; ++depth) {
    nested.insert(0, R"({"type":"Sequence","pretokenizers":[)");
    nested += "]}";
  }
  refused(nested, "pre_tokenizers nested more than 8 deep");
}

}  // namespace
}  // namespace ssmi::text
