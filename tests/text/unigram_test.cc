// The best cuts are computed by hand from the scores; ties and unknowns are as in PyPI tokenizers.

#include "text/unigram.h"

#include "recipe.h"

namespace ssmi::text {
namespace {

using test::check_refused;
using test::cut;
using test::Recipe;

struct Entry {
  std::string token;
  double score;
};

Recipe unigram(const std::vector<Entry>& entries, const std::string& options = R"(,"unk_id":0)") {
  Json vocabulary = Json::array();
  for (const Entry& entry : entries)
    vocabulary.push_back({entry.token, entry.score});
  return {R"({"type":"Unigram","vocab":)" + vocabulary.dump() + options + "}"};
}

TEST_CASE("unigram: the cut with the best sum of scores") {
  const auto with = [](double ab) {
    return unigram({{"<unk>", 0}, {"a", -1}, {"b", -1}, {"c", -1}, {"ab", ab}, {"bc", -1.25}});
  };
  CHECK(cut(with(-1.5), "ab") == "ab:0-2");         // -1.5 beats -1 - 1
  CHECK(cut(with(-2.5), "ab") == "a:0-1 b:1-2");    // -2.5 does not
  CHECK(cut(with(-1.5), "abc") == "a:0-1 bc:1-3");  // -1 - 1.25 beats -1.5 - 1
  CHECK(cut(with(-1), "abc") == "ab:0-2 c:2-3");    // -1 - 1 beats -1 - 1.25
  CHECK(cut(with(-1), "abbc") == "ab:0-2 bc:2-4");  // -1 - 1.25
  CHECK(cut(with(-9), "aabb") == "a:0-1 a:1-2 b:2-3 b:3-4");
  CHECK(cut(with(-1), "").empty());
}

TEST_CASE("unigram: of equal sums the one whose last token begins first") {
  CHECK(cut(unigram({{"<unk>", 0}, {"a", -1}, {"b", -1}, {"ab", -2}}), "ab") == "ab:0-2");
  // a bc and ab c have -3 each.
  CHECK(cut(unigram({{"<unk>", 0}, {"a", -1}, {"bc", -2}, {"ab", -2}, {"c", -1}}), "abc") ==
        "a:0-1 bc:1-3");
}

TEST_CASE("unigram: a character without a token costs 10 more than the rarest token") {
  const Recipe recipe = unigram(
      {{"<unk>", 0}, {"ab", -4}, {"c", -4}, {"d", -4}, {"e", -4}, {"bcd", -1}, {"bcde", -1}});
  CHECK(cut(recipe, "abcd") == "ab:0-2 c:2-3 d:3-4");   // -12 beats -14 - 1
  CHECK(cut(recipe, "abcde") == "<unk>:0-1 bcde:1-5");  // -14 - 1 beats -16
  CHECK(cut(recipe, "abx") == "ab:0-2 <unk>:2-3");
}

TEST_CASE("unigram: neighbouring unknowns are one, in bytes") {
  const Recipe recipe = unigram({{"<unk>", 0}, {"a", -1}, {"\u00E9", -1}});
  CHECK(cut(recipe, "xya\u4E2Dz\u00E9") == "<unk>:0-2 a:2-3 <unk>:3-7 \u00E9:7-9");
  CHECK(cut(recipe, "x") == "<unk>:0-1");
  CHECK(cut(recipe, "<unk>") == "<unk>:0-5");
}

TEST_CASE("unigram: byte fallback takes a run of unknowns if all its bytes have tokens") {
  const std::vector<Entry> entries{{"<unk>", 0},   {"a", -1},      {"<0xC3>", -2},
                                   {"<0xA9>", -2}, {"<0x78>", -2}, {"<0x79>", -2}};
  const Recipe recipe = unigram(entries, R"(,"unk_id":0,"byte_fallback":true)");
  CHECK(cut(recipe, "a\u00E9") == "a:0-1 <0xC3>:1-3 <0xA9>:1-3");
  CHECK(cut(recipe, "xya") == "<0x78>:0-2 <0x79>:0-2 a:2-3");
  CHECK(cut(recipe, "xza") == "<unk>:0-2 a:2-3");
  CHECK(cut(unigram(entries), "x") == "<unk>:0-1");
}

TEST_CASE("unigram: a long text") {
  std::string text, expected;
  for (int i = 0; i < 3000; ++i) {
    text += "ab";
    expected += fmt::format("{}ab:{}-{}", i > 0 ? " " : "", 2 * i, 2 * i + 2);
  }
  CHECK(cut(unigram({{"<unk>", 0}, {"a", -3}, {"b", -3}, {"ab", -1}, {"ba", -1.5}}), text) ==
        expected);
}

TEST_CASE("unigram: files from before the models had names") {
  CHECK(cut(Recipe{R"({"unk_id":0,"vocab":[["<unk>",0],["a",-1]]})"}, "ax") == "a:0-1 <unk>:1-2");
}

TEST_CASE("unigram: an unknown character, and no unknown token, is refused when it comes") {
  for (const char* options : {"", R"(,"unk_id":null)"}) {
    const auto tokenizer = test::made(unigram({{"a", -1}, {"x", -1}}, options));
    CHECK(cut(*tokenizer, "ax") == "a:0-1 x:1-2");
    ssmi::test::check_fails(ExitCode::kBadInput,
                            "t.json: model: the text has 'q', which the vocabulary lacks, and it "
                            "names no unknown token",
                            [&] { tokenizer->encode("aq"); });
  }
}

TEST_CASE("unigram: what is damaged is refused by name") {
  const auto refused = [](const std::string& rest, const std::string& message) {
    CAPTURE(rest);
    check_refused({R"({"type":"Unigram")" + rest + "}"}, message);
  };
  refused("", "the vocabulary should be a list, found null");
  refused(R"(,"vocab":{"a":0})", "the vocabulary should be a list, found object");
  refused(R"(,"vocab":[["a",0],["b"]])",
          "entry 1 of the vocabulary should be a token and its score");
  refused(R"(,"vocab":[["a","0"]])", "entry 0 of the vocabulary should be a token and its score");
  refused(R"(,"vocab":[[1,0]])", "entry 0 of the vocabulary should be a token and its score");
  refused(R"(,"vocab":["a"])", "entry 0 of the vocabulary should be a token and its score");
  refused(R"(,"vocab":[["a",0]],"unk_id":1)", "'unk_id' should be an integer from 0 to 0, found 1");
  refused(R"(,"vocab":[["a",0]],"unk_id":-1)", "'unk_id' should be an integer from 0 to 0");
  refused(R"(,"vocab":[["a",0]],"unk_id":"a")", "'unk_id' should be an integer");
  refused(R"(,"vocab":[["a",0]],"byte_fallback":1)",
          "'byte_fallback' should be true or false, found number");
  Recipe trimmed = unigram({{"a", -1}});
  trimmed.post_processor = R"({"type":"ByteLevel","trim_offsets":true,"add_prefix_space":true})";
  check_refused(trimmed, "trimmed offsets with a Unigram model are not supported");
}

}  // namespace
}  // namespace ssmi::text
