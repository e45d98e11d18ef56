// Expected values are those of PyPI tokenizers 0.23.

#include "text/added_tokens.h"

#include "recipe.h"

namespace ssmi::text {
namespace {

using test::check_refused;
using test::cut;
using test::Recipe;

/// An entry of added_tokens; `flags` are its true flags.
std::string added(const std::string& content, const std::string& flags = "", int id = 99) {
  const auto flag = [&](const std::string& name) {
    return fmt::format(R"("{}":{})", name, flags.find(name) != std::string::npos);
  };
  return fmt::format(R"({{"id":{},"content":{},{},{},{},{},"special":false}})", id,
                     Json(content).dump(), flag("single_word"), flag("lstrip"), flag("rstrip"),
                     flag("normalized"));
}

/// Letters, '_' and spaces are tokens; `entries` are added.
Recipe letters(const std::vector<std::string>& entries, const std::string& normalizer = "null") {
  std::vector<std::string> tokens{"<unk>", " ", "_", "\t"};
  for (char letter = 'a'; letter <= 'z'; ++letter)
    tokens.emplace_back(1, letter);
  return {test::bpe(tokens, {}, R"(,"unk_token":"<unk>")"), normalizer, "null", "null",
          fmt::format("[{}]", fmt::join(entries, ","))};
}

TEST_CASE("added_tokens: found anywhere, whole, and by their longest") {
  CHECK(cut(letters({added("<s>")}), "a<s>b<s><s>") == "a:0-1 <s>:1-4 b:4-5 <s>:5-8 <s>:8-11");
  CHECK(cut(letters({added("ab"), added("abc")}), "abcab") == "abc:0-3 ab:3-5");
  CHECK(cut(letters({added("abc"), added("ab")}), "abdabc") == "ab:0-2 d:2-3 abc:3-6");
  CHECK(cut(letters({added("aa")}), "aaa") == "aa:0-2 a:2-3");
  CHECK(cut(letters({added("ab"), added("bcd")}), "abcd") == "ab:0-2 c:2-3 d:3-4");
  CHECK(cut(letters({added("\u00E9x")}), "a\u00E9x") == "a:0-1 \u00E9x:1-4");
  CHECK(cut(letters({added("<s>")}), "").empty());
  CHECK(cut(letters({added("<s>")}), "<s") == "<unk>:0-1 s:1-2");
}

TEST_CASE("added_tokens: single_word asks for no word beside it") {
  const Recipe recipe = letters({added("ab", "single_word")});
  CHECK(cut(recipe, "ab") == "ab:0-2");
  CHECK(cut(recipe, "c ab\t") == "c:0-1  :1-2 ab:2-4 \t:4-5");
  CHECK(cut(recipe, "cab") == "c:0-1 a:1-2 b:2-3");
  CHECK(cut(recipe, "abc") == "a:0-1 b:1-2 c:2-3");
  CHECK(cut(recipe, "_ab") == "_:0-1 a:1-2 b:2-3");
  CHECK(cut(recipe, "\u00E9ab") == "<unk>:0-2 a:2-3 b:3-4");
  CHECK(cut(recipe, "(ab-ab)") == "<unk>:0-1 ab:1-3 <unk>:3-4 ab:4-6 <unk>:6-7");
}

TEST_CASE("added_tokens: lstrip and rstrip take in the spaces beside it") {
  CHECK(cut(letters({added("<m>")}), "a <m> b") == "a:0-1  :1-2 <m>:2-5  :5-6 b:6-7");
  CHECK(cut(letters({added("<m>", "lstrip")}), "a \t<m> b") == "a:0-1 <m>:1-6  :6-7 b:7-8");
  CHECK(cut(letters({added("<m>", "rstrip")}), "a <m>\u3000\nb") == "a:0-1  :1-2 <m>:2-9 b:9-10");
  CHECK(cut(letters({added("<m>", "lstrip rstrip")}), "  <m>  ") == "<m>:0-7");
  CHECK(cut(letters({added("<m>", "lstrip rstrip")}), "a<m>b") == "a:0-1 <m>:1-4 b:4-5");
}

TEST_CASE("added_tokens: those that take in the same spaces leave no span that goes back") {
  // The reference gives the second token 3-7; the spans of ours never go back.
  CHECK(cut(letters({added("<m>", "lstrip rstrip")}), "<m> <m>") == "<m>:0-4 <m>:4-7");
  CHECK(cut(letters({added("<r>", "rstrip"), added("<l>", "lstrip")}), "<r> <l>a") ==
        "<r>:0-4 <l>:4-7 a:7-8");
}

TEST_CASE("added_tokens: normalized ones are looked for in the normalised text") {
  const std::string lowercase = R"({"type":"Lowercase"})";
  const Recipe plain = letters({added("<S>")}, lowercase);
  CHECK(cut(plain, "A<S>b") == "a:0-1 <S>:1-4 b:4-5");
  CHECK(cut(plain, "a<s>") == "a:0-1 <unk>:1-2 s:2-3 <unk>:3-4");
  const Recipe normalized = letters({added("<S>", "normalized")}, lowercase);
  CHECK(cut(normalized, "A<S>b<s>") == "a:0-1 <S>:1-4 b:4-5 <S>:5-8");
  // Plain ones come first, whatever their place in the text.
  CHECK(cut(letters({added("ab", "normalized"), added("bc")}), "abc") == "a:0-1 bc:1-3");
  CHECK(cut(letters({added("x", "normalized")}, R"({"type":"Replace","pattern":{"String":"abc"},)"
                                                R"("content":"x"})"),
            "aabc") == "a:0-1 x:3-4");
}

TEST_CASE("added_tokens: nothing of a token found as it stands is normalised") {
  const Recipe recipe = letters({added(" A", "lstrip")}, R"({"type":"Lowercase"})");
  const auto tokenizer = test::made(recipe);
  CHECK(cut(*tokenizer, "B A") == "b:0-1  A:1-3");
  CHECK(cut(letters({added("<s>")}, R"({"type":"Prepend","prepend":"_"})"), "a<s>b") ==
        "_:0-1 a:0-1 <s>:1-4 _:4-5 b:4-5");
}

TEST_CASE(
    "added_tokens: an id is the vocabulary's, else the next free one, whatever the file says") {
  const auto id_of = [](const Recipe& recipe, const std::string& text) {
    return test::made(recipe)->encode(text).ids;
  };
  // The vocabulary has 30 tokens, 'a' is 4.
  CHECK(id_of(letters({added("a", "", 77)}), "a") == std::vector<int64_t>{4});
  const Recipe two = letters({added("<y>", "", 7), added("<x>", "", 7)});
  CHECK(id_of(two, "<x><y>") == std::vector<int64_t>{31, 30});
  CHECK(test::made(two)->vocab_size() == 32);
  CHECK(id_of(letters({added("<y>"), added("<y>"), added("<x>")}), "<x><y>") ==
        std::vector<int64_t>{31, 30});
  CHECK(test::made(letters({}))->vocab_size() == 30);
}

TEST_CASE("added_tokens: an empty one is none") {
  CHECK(cut(letters({added(""), added("<s>")}), "a<s>") == "a:0-1 <s>:1-4");
  CHECK(test::made(letters({added("")}))->vocab_size() == 30);
}

TEST_CASE("added_tokens: pre-tokenizers and models see what is between alone") {
  Recipe recipe = letters({added("<s>")});
  recipe.pre_tokenizer = R"({"type":"Split","pattern":{"Regex":"^."},"behavior":"Removed",)"
                         R"("invert":false})";
  CHECK(cut(recipe, "ab<s>cd") == "b:1-2 <s>:2-5 d:6-7");
}

TEST_CASE("added_tokens: what is damaged is refused by name") {
  const auto refused = [](const std::string& list, const std::string& message) {
    CAPTURE(list);
    Recipe recipe = letters({});
    recipe.added_tokens = list;
    check_refused(recipe, message);
  };
  refused("{}", "added_tokens should be a list");
  refused("[1]", "added_tokens: expected a JSON object, found number");
  refused("[{}]", "added_tokens: key 'content' is missing");
  refused(R"([{"content":null}])", "added_tokens: 'content' should be a string, found null");
  for (const std::string flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
    Json entry = parse_json(added("<s>"), "");
    entry[flag] = 0;
    refused("[" + entry.dump() + "]", "'" + flag + "' should be true or false, found number");
    entry.erase(flag);
    refused("[" + entry.dump() + "]", "key '" + flag + "' is missing");
  }
  Recipe recipe = letters({});
  recipe.added_tokens = "null";
  CHECK(cut(recipe, "a") == "a:0-1");
}

}  // namespace
}  // namespace ssmi::text
