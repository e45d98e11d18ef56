// The rules are those of BERT's tokenization.py (longest match first, the whole word or nothing).

#include "text/wordpiece.h"

#include "recipe.h"

namespace ssmi::text {
namespace {

using test::check_refused;
using test::cut;
using test::Recipe;

std::string wordpiece(const std::vector<std::string>& tokens, int longest = 100,
                      const std::string& prefix = "##") {
  return fmt::format(
      R"({{"type":"WordPiece","vocab":{},"unk_token":"[UNK]","continuing_subword_prefix":"{}",)"
      R"("max_input_chars_per_word":{}}})",
      test::vocabulary(tokens), prefix, longest);
}

TEST_CASE("wordpiece: the longest match comes first") {
  // The example in BERT's own source: "unaffable".
  const std::string model = wordpiece({"[UNK]", "un", "##aff", "##able", "##a", "u", "##ffable"});
  CHECK(cut(Recipe{model}, "unaffable") == "un:0-2 ##aff:2-5 ##able:5-9");
  CHECK(cut(Recipe{model}, "un") == "un:0-2");
  CHECK(cut(Recipe{model}, "u") == "u:0-1");
  CHECK(cut(Recipe{model}, "").empty());
}

TEST_CASE("wordpiece: a piece that does not fit makes the whole word unknown") {
  const std::string model = wordpiece({"[UNK]", "un", "##aff"});
  CHECK(cut(Recipe{model}, "unaffx") == "[UNK]:0-6");
  CHECK(cut(Recipe{model}, "affun") == "[UNK]:0-5");
  // No way back from a longest match: "un" takes what "u ##n" would have needed.
  CHECK(cut(Recipe{wordpiece({"[UNK]", "un", "u", "##nx"})}, "unx") == "[UNK]:0-3");
  CHECK(cut({wordpiece({"[UNK]", "a", "b"}), "null", R"({"type":"BertPreTokenizer"})"},
            "a xy, b") == "a:0-1 [UNK]:2-4 [UNK]:4-5 b:6-7");
}

TEST_CASE("wordpiece: pieces begin and end between characters") {
  const std::string model = wordpiece({"[UNK]", "\u00E9", "##\u4E2D\u00E9", "##\u4E2D", "##x"});
  CHECK(cut(Recipe{model}, "\u00E9\u4E2D\u00E9\u4E2Dx") ==
        "\u00E9:0-2 ##\u4E2D\u00E9:2-7 ##\u4E2D:7-10 ##x:10-11");
  CHECK(cut(Recipe{model}, "\u00E9\u4E2E") == "[UNK]:0-5");  // shares two bytes with a token
}

TEST_CASE("wordpiece: words of too many characters, not bytes, are unknown") {
  const std::vector<std::string> tokens{"[UNK]", "\u00E9", "##\u00E9"};
  CHECK(cut(Recipe{wordpiece(tokens, 2)}, "\u00E9\u00E9") == "\u00E9:0-2 ##\u00E9:2-4");
  CHECK(cut(Recipe{wordpiece(tokens, 2)}, "\u00E9\u00E9\u00E9") == "[UNK]:0-6");
  CHECK(cut(Recipe{wordpiece(tokens, 0)}, "\u00E9") == "[UNK]:0-2");
}

TEST_CASE("wordpiece: the prefix of what goes on is the file's") {
  CHECK(cut(Recipe{wordpiece({"[UNK]", "a", "@b", "##b"}, 100, "@")}, "ab") == "a:0-1 @b:1-2");
  CHECK(cut(Recipe{wordpiece({"[UNK]", "a", "b"}, 100, "")}, "ab") == "a:0-1 b:1-2");
}

TEST_CASE("wordpiece: an unknown word without an unknown token is refused when it comes") {
  const auto tokenizer = test::made({wordpiece({"a"})});
  CHECK(cut(*tokenizer, "a") == "a:0-1");
  ssmi::test::check_fails(ExitCode::kBadInput,
                          "t.json: model: the text has 'ab', which the vocabulary lacks as it does "
                          "the unknown token '[UNK]'",
                          [&] { tokenizer->encode("ab"); });
}

TEST_CASE("wordpiece: what a damaged model lacks is said") {
  const auto refused = [](const std::string& options, const std::string& message) {
    CAPTURE(options);
    check_refused({R"({"type":"WordPiece","vocab":{"a":0})" + options + "}"}, message);
  };
  const std::string unknown = R"(,"unk_token":"a")",
                    prefix = R"(,"continuing_subword_prefix":"##")";
  refused("", "key 'unk_token' is missing");
  refused(R"(,"unk_token":0)", "'unk_token' should be a string, found number");
  refused(unknown, "key 'continuing_subword_prefix' is missing");
  refused(unknown + prefix, "key 'max_input_chars_per_word' is missing");
  refused(unknown + prefix + R"(,"max_input_chars_per_word":-1)",
          "'max_input_chars_per_word' should be an integer from 0 to 2147483647, found -1");
  refused(unknown + prefix + R"(,"max_input_chars_per_word":1.5)", "found 1.5");
}

}  // namespace
}  // namespace ssmi::text
