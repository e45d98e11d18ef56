#include "ssmi/text/vocabulary.h"

#include "recipe.h"

namespace ssmi::text {
namespace {

using ssmi::test::check_fails;
using test::cut;

ByteLevelBpe byte_level() {
  ByteLevelBpe bpe;
  bpe.tokens = {"a", "b", "1", "2", "\u0120", "ab", "12", "\u0120ab", "<s>", "</s>", "ba"};
  bpe.merges = {"a b", "1 2", "\u0120 ab"};
  return bpe;
}

std::string cut(const ByteLevelBpe& bpe, std::string_view text) {
  return cut(*make_tokenizer(bpe, "m.gguf"), text);
}

TEST_CASE("vocabulary: a byte-level BPE in memory cuts as GPT-2 does") {
  CHECK(cut(byte_level(), "ab ab12<s>") == "ab:0-2  ab:2-5 12:5-7");
  ByteLevelBpe bpe = byte_level();
  bpe.special = {8, 9};
  CHECK(cut(bpe, "ab<s></s>") == "ab:0-2 <s>:2-5 </s>:5-9");
  bpe.bos = 8;
  CHECK(cut(bpe, "ab") == "<s>:0-0 ab:0-2");
  bpe.eos = 9;
  CHECK(cut(bpe, "ab") == "<s>:0-0 ab:0-2 </s>:2-2");
  CHECK(make_tokenizer(bpe, "m.gguf")->vocab_size() == 11);
}

TEST_CASE("vocabulary: digits alone, ignored merges and other patterns") {
  ByteLevelBpe bpe = byte_level();
  bpe.digits_alone = true;
  CHECK(cut(bpe, "ab12") == "ab:0-2 1:2-3 2:3-4");
  bpe = byte_level();
  CHECK(cut(bpe, "ba") == "b:0-1 a:1-2");
  bpe.ignore_merges = true;
  CHECK(cut(bpe, "ba") == "ba:0-2");
  bpe = byte_level();
  bpe.patterns = {R"(\p{N})", "[a-z]"};
  CHECK(cut(bpe, "ab12") == "a:0-1 b:1-2 1:2-3 2:3-4");
  bpe.patterns = {"[0-9]", "gpt2"};
  CHECK(cut(bpe, "ab12 ab") == "ab:0-2 1:2-3 2:3-4  ab:4-7");
  bpe.patterns = {};
  CHECK(cut(bpe, "ab ab") == "ab:0-2  ab:2-5");
}

TEST_CASE("vocabulary: a byte-level BPE that contradicts itself is refused by name") {
  const auto refused = [](const ByteLevelBpe& bpe, const std::string& message) {
    check_fails(ExitCode::kBadInput, "m.gguf: " + message, [&] { make_tokenizer(bpe, "m.gguf"); });
  };
  ByteLevelBpe bpe = byte_level();
  bpe.merges.emplace_back("a 2");
  refused(bpe, "merge 3 needs token 'a2', which the vocabulary lacks");
  bpe.merges.back() = "a2";
  refused(bpe, "merge 3 should be two tokens with a space between, found 'a2'");
  for (const int64_t id : {-1, 11}) {
    const std::string message =
        fmt::format("id {} is given a meaning, but the vocabulary has 11 tokens", id);
    bpe = byte_level();
    bpe.special = {id};
    refused(bpe, message);
    bpe = byte_level();
    bpe.bos = id;
    refused(bpe, message);
    bpe = byte_level();
    bpe.eos = id;
    refused(bpe, message);
  }
  bpe = byte_level();
  bpe.patterns = {"gpt2", "a"};
  refused(bpe, "the pattern gpt2 should be the last one");
  bpe.patterns = {"(a"};
  refused(bpe, "pattern '(a': ");
}

TEST_CASE("vocabulary: a WordPiece vocabulary in memory cuts as BERT does") {
  WordPieceVocabulary words;
  words.tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "he", "##y", "\u00E9", "He"};
  const auto cuts = [&](std::string_view text) {
    return cut(*make_tokenizer(words, "m.gguf"), text);
  };
  CHECK(cuts("Hey [SEP]") == "[CLS]:0-0 he:0-2 ##y:2-3 [SEP]:4-9 [SEP]:9-9");
  CHECK(cuts("\u00C9") == "[CLS]:0-0 [UNK]:0-2 [SEP]:2-2");
  words.strip_accents = false;
  CHECK(cuts("\u00C9") == "[CLS]:0-0 \u00E9:0-2 [SEP]:2-2");
  words.lowercase = false;
  CHECK(cuts("Hey") == "[CLS]:0-0 He:0-2 ##y:2-3 [SEP]:3-3");
  words.special.clear();
  CHECK(cuts("[PAD]") == "[CLS]:0-0 [UNK]:0-1 [UNK]:1-4 [UNK]:4-5 [SEP]:5-5");
  words.cls = "he";
  CHECK(cuts("") == "he:0-0 [SEP]:0-0");
  words.sep = "gone";
  check_fails(ExitCode::kBadInput, "m.gguf: the vocabulary lacks 'gone'", [&] { cuts(""); });
}

TEST_CASE("vocabulary: whatever decides how a text is cut is in the hash") {
  const auto hash = [](const ByteLevelBpe& bpe) { return make_tokenizer(bpe, "m.gguf")->sha256(); };
  const std::string first = hash(byte_level());
  CHECK(hash(byte_level()) == first);
  std::vector<ByteLevelBpe> others(8, byte_level());
  others[0].tokens.emplace_back("x");
  others[1].merges.pop_back();
  others[2].special = {8};
  others[3].patterns = {"a"};
  others[4].digits_alone = true;
  others[5].ignore_merges = true;
  others[6].bos = 8;
  others[7].eos = 8;
  std::vector<std::string> seen{first};
  for (const ByteLevelBpe& other : others) {
    const std::string now = hash(other);
    CHECK(std::find(seen.begin(), seen.end(), now) == seen.end());
    seen.push_back(now);
  }
}

}  // namespace
}  // namespace ssmi::text
