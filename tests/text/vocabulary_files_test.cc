#include "text/vocabulary_files.h"

#include <fstream>

#include "recipe.h"

namespace ssmi::text {
namespace {

using ssmi::test::check_fails;
using ssmi::test::TemporaryFolder;
using test::cut;

constexpr const char* kVocabulary =
    R"({"a":0,"b":1,"\u0120":2,"ab":3,"\u0120ab":4,"<|endoftext|>":5,"<s>":6,"</s>":7,"<mask>":8,)"
    R"("\u0120a":9,"<pad>":10})";
constexpr const char* kMerges = "#version: 0.2\na b\n\u0120 ab\n";

class Folder {
 public:
  Folder& file(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return *this;
  }
  std::unique_ptr<Tokenizer> load(const std::string& config = "{}") const {
    return load_tokenizer(folder_.path(), parse_json(config, "config.json"));
  }
  void check_refused(const std::string& name, const std::string& message) const {
    check_fails(ExitCode::kBadInput, (folder_ / name).string() + ": " + message, [&] { load(); });
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

 private:
  TemporaryFolder folder_;
};

struct BpeFolder : Folder {
  BpeFolder() { file("vocab.json", kVocabulary).file("merges.txt", kMerges); }
};

TEST_CASE("vocabulary files: vocab.json and merges.txt are GPT-2's byte-level BPE") {
  const BpeFolder folder;
  const auto tokenizer = folder.load();
  CHECK(cut(*tokenizer, "ab ab") == "ab:0-2  ab:2-5");
  CHECK(cut(*tokenizer, "ba<|endoftext|> ") == "b:0-1 a:1-2 <|endoftext|>:2-15  :15-16");
  CHECK(cut(*tokenizer, "<s>a") ==
        "a:3-4");  // no special token here; '<', 's' and '>' are no tokens
  CHECK(tokenizer->vocab_size() == 11);
}

TEST_CASE("vocabulary files: RoBERTa's markers by model_type, or by what the small files name") {
  BpeFolder folder;
  const std::string expected = "<s>:0-0 b:0-1  ab:2-4 </s>:4-4";
  for (const char* type : {"roberta", "rocoder"})
    CHECK(cut(*folder.load(std::string(R"({"model_type":")") + type + "\"}"), "b ab") == expected);
  CHECK(cut(*folder.load(R"({"model_type":"gpt2"})"), "b ab") == "b:0-1  ab:1-4");
  folder.file("special_tokens_map.json", R"({"cls_token":"<s>","sep_token":{"content":"</s>"}})");
  CHECK(cut(*folder.load(), "b ab") == expected);
  folder.file("special_tokens_map.json", R"({"cls_token":"a","sep_token":"b"})");
  CHECK(cut(*folder.load(), " ") == "a:0-0  :1-1 b:1-1");
  folder.file("special_tokens_map.json", R"({"cls_token":null,"sep_token":"</s>"})");
  CHECK(cut(*folder.load(), "b ab") == "b:0-1  ab:1-4");
}

TEST_CASE("vocabulary files: RoBERTa's mask takes in the spaces before it, its span does not") {
  const BpeFolder folder;
  CHECK(cut(*folder.load(R"({"model_type":"roberta"})"), "a <mask> a<pad>") ==
        "<s>:0-0 a:0-1 <mask>:2-8  :9-9 a:9-10 <pad>:10-15 </s>:15-15");
}

TEST_CASE("vocabulary files: add_prefix_space and an end of text of another name") {
  BpeFolder folder;
  folder.file("tokenizer_config.json", R"({"add_prefix_space":true,"eos_token":"</s>"})");
  CHECK(cut(*folder.load(), "ab</s>ab") == " ab:0-2 </s>:2-6  ab:6-8");
  CHECK(cut(*folder.load(R"({"model_type":"roberta"})"), "ab") == "<s>:0-0  ab:0-2 </s>:2-2");
}

TEST_CASE("vocabulary files: lines may end as Windows ends them, or not at all") {
  Folder folder;
  folder.file("vocab.json", kVocabulary).file("merges.txt", "#version: 0.2\r\na b\r\n\u0120 ab");
  CHECK(cut(*folder.load(), "ab ab") == "ab:0-2  ab:2-5");
}

TEST_CASE("vocabulary files: damaged BPE files are refused by name") {
  const auto refused = [](const char* name, std::string_view text, const char* message) {
    CAPTURE(text);
    BpeFolder folder;
    folder.file(name, text).check_refused(name, message);
  };
  refused("vocab.json", "{\"a\":0", "not valid JSON: ");
  refused("vocab.json", "", "not valid JSON: ");
  refused("vocab.json", "{}", "the vocabulary is empty");
  refused("vocab.json", "[]", "the vocabulary should be an object, found array");
  refused("vocab.json", R"({"a":-1})",
          "token 'a': its id should be an integer from 0 to 2147483647");
  refused("vocab.json", R"({"a":2147483648})", "token 'a': its id should be");
  refused("vocab.json", R"({"a":18446744073709551616})", "token 'a': its id should be");
  refused("vocab.json", R"({"a":"0"})", "token 'a': its id should be");
  refused("vocab.json", R"({"a":0.5})", "token 'a': its id should be");
  refused("vocab.json", R"({"a":0,"a":1})", "key 'a' is given twice");
  refused("vocab.json", "{\"\xFF\":0}", "is not UTF-8");
  refused("vocab.json", std::string_view("{\"a\":0}\0", 8), "not valid JSON: it holds a NUL byte");
  refused("merges.txt", "a b\nab\n",
          "merge 1 should be two tokens with a space between, found 'ab'");
  refused("merges.txt", "a b\n\n", "merge 1 should be two tokens with a space between, found ''");
  refused("merges.txt", "a  b", "merge 0 should be two tokens");
  refused("merges.txt", "a \xFF", "is not UTF-8");
  refused("tokenizer_config.json", "[]", "expected a JSON object, found array");
  refused("tokenizer_config.json", R"({"add_prefix_space":1})",
          "'add_prefix_space' should be true or false");
  refused("special_tokens_map.json", R"({"cls_token":"<s>","sep_token":7})",
          "sep_token: expected a JSON object, found number");
  refused("special_tokens_map.json", R"({"cls_token":"<s>","sep_token":{}})",
          "sep_token: key 'content' is missing");
  refused("added_tokens.json", R"({"<new>":"x"})", "'<new>'");
}

TEST_CASE("vocabulary files: a merge of a token that vocab.json lacks, and markers it lacks") {
  Folder folder;
  folder.file("vocab.json", R"({"a":0,"b":1})").file("merges.txt", "a b\n");
  folder.check_refused("vocab.json", "merge 0 needs token 'ab', which the vocabulary lacks");
  folder.file("merges.txt", "");
  check_fails(ExitCode::kBadInput,
              folder.path("vocab.json") + ": the vocabulary lacks '<s>', the cls_token",
              [&] { folder.load(R"({"model_type":"roberta"})"); });
}

constexpr const char* kWords =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhe\n##y\n\u00E9\n\u4E2D\nX\n,\n";

TEST_CASE("vocabulary files: vocab.txt is BERT's WordPiece") {
  Folder folder;
  folder.file("vocab.txt", kWords);
  const auto tokenizer = folder.load();
  CHECK(cut(*tokenizer, "Hey, \u4E2D[MASK]q") ==
        "[CLS]:0-0 he:0-2 ##y:2-3 ,:3-4 \u4E2D:5-8 [MASK]:8-14 [UNK]:14-15 [SEP]:15-15");
  CHECK(cut(*tokenizer, "\u00E9") == "[CLS]:0-0 [UNK]:0-2 [SEP]:2-2");  // 'e' is no token
  CHECK(tokenizer->vocab_size() == 11);
}

TEST_CASE("vocabulary files: tokenizer_config.json says what BERT's normaliser does") {
  Folder folder;
  folder.file("vocab.txt", kWords);
  const auto first = [&](const char* settings, std::string_view text) {
    folder.file("tokenizer_config.json", settings);
    return cut(*folder.load(), text);
  };
  CHECK(first(R"({"do_lower_case":false})", "X\u00E9") == "[CLS]:0-0 [UNK]:0-3 [SEP]:3-3");
  CHECK(first(R"({"do_lower_case":false})", "X \u00E9") == "[CLS]:0-0 X:0-1 \u00E9:2-4 [SEP]:4-4");
  CHECK(first(R"({"strip_accents":false})", "\u00C9") == "[CLS]:0-0 \u00E9:0-2 [SEP]:2-2");
  CHECK(first(R"({"strip_accents":null})", "\u00C9") == "[CLS]:0-0 [UNK]:0-2 [SEP]:2-2");
  CHECK(first(R"({"tokenize_chinese_chars":false})", "\u4E2D\u4E2D") ==
        "[CLS]:0-0 [UNK]:0-6 [SEP]:6-6");
  CHECK(first(R"({"unk_token":",","cls_token":"X","sep_token":"he"})", "q") ==
        "X:0-0 ,:0-1 he:1-1");
}

TEST_CASE("vocabulary files: lines of vocab.txt lose the white space at their ends") {
  Folder folder;
  folder.file("vocab.txt", "[UNK]\r\n[CLS] \r\n[SEP]\t\nhe\u3000\n");
  CHECK(cut(*folder.load(), "he q") == "[CLS]:0-0 he:0-2 [UNK]:3-4 [SEP]:4-4");
}

TEST_CASE("vocabulary files: damaged vocab.txt files are refused by name") {
  const auto refused = [](std::string_view text, const char* message) {
    CAPTURE(text);
    Folder folder;
    folder.file("vocab.txt", text).check_refused("vocab.txt", message);
  };
  refused("", "the vocabulary lacks '[CLS]'");
  refused("[UNK]\n[CLS]\n", "the vocabulary lacks '[SEP]'");
  refused("[UNK]\n[CLS]\n[SEP]\n\xC3", "is not UTF-8");
  Folder folder;
  folder.file("vocab.txt", kWords).file("tokenizer_config.json", R"({"do_lower_case":"no"})");
  folder.check_refused("tokenizer_config.json", "'do_lower_case' should be true or false");
}

TEST_CASE("vocabulary files: which of several files is read, and what none of them is") {
  BpeFolder folder;
  folder.file("vocab.txt", kWords);
  CHECK(folder.load()->vocab_size() == 11);
  CHECK(cut(*folder.load(), "ab") == "ab:0-2");
  folder.file("tokenizer.json", test::json_of({test::whole_words({"ab"})}));
  CHECK(folder.load()->vocab_size() == 2);
  CHECK(folder.load(R"({"tokenizer":"bytes"})")->vocab_size() == 130);

  Folder lone;
  lone.file("tokenizer.model", "\x0A");
  lone.check_refused("tokenizer.model",
                     "SentencePiece models are not supported; convert it to a tokenizer.json");
  Folder half;
  half.file("vocab.json", kVocabulary);
  half.check_refused("vocab.json", "is beside no merges.txt; byte-level BPE needs both");
  check_fails(ExitCode::kBadInput,
              "no tokenizer: neither tokenizer.json, vocab.json with merges.txt",
              [&] { Folder().load(); });
}

TEST_CASE("vocabulary files: equal vocabularies have equal hashes, others have others") {
  BpeFolder folder;
  const std::string hash = folder.load()->sha256();
  CHECK(hash.size() == 64);
  CHECK(BpeFolder().load()->sha256() == hash);
  CHECK(folder.load(R"({"model_type":"roberta"})")->sha256() != hash);
  folder.file("tokenizer_config.json", R"({"add_prefix_space":true})");
  CHECK(folder.load()->sha256() != hash);
  folder.file("tokenizer_config.json", "{}").file("merges.txt", "a b\n");
  CHECK(folder.load()->sha256() != hash);
}

TEST_CASE("vocabulary files: those of tokenizers that cut otherwise are refused by name") {
  for (const char* type : {"qwen2", "gpt_neox", "mamba", "bert"}) {
    const BpeFolder folder;
    check_fails(ExitCode::kBadInput, fmt::format("a tokenizer of '{}' is read from", type),
                [&] { folder.load(fmt::format(R"({{"model_type":"{}"}})", type)); });
  }
  BpeFolder folder;
  folder.file("tokenizer_config.json", R"({"tokenizer_class":"Qwen2TokenizerFast"})");
  folder.check_refused("vocab.json", "belongs to a Qwen2Tokenizer");
  folder.file("tokenizer_config.json",
              R"({"tokenizer_class":"GPT2TokenizerFast","add_bos_token":true})");
  folder.check_refused("vocab.json", "'add_bos_token' is true");
  Folder words;
  words.file("vocab.txt", "[UNK]\n[CLS]\n[SEP]\na\n");
  words.file("tokenizer_config.json", R"({"tokenizer_class":"BertJapaneseTokenizer"})");
  words.check_refused("vocab.txt", "belongs to a BertJapaneseTokenizer");
}

TEST_CASE("vocabulary files: special tokens beyond those with a role stand for themselves") {
  BpeFolder folder;
  folder.file("special_tokens_map.json", R"({"additional_special_tokens":["<pad>"]})");
  CHECK(cut(*folder.load(), "a<pad>b") == "a:0-1 <pad>:1-6 b:6-7");
  folder.file("special_tokens_map.json", "{}");
  folder.file("tokenizer_config.json",
              R"({"added_tokens_decoder":{"8":{"content":"<mask>","lstrip":true}}})");
  CHECK(cut(*folder.load(), "a <mask>") == "a:0-1 <mask>:1-8");
  folder.file("tokenizer_config.json", R"({"added_tokens_decoder":{"11":{"content":"<mask>"}}})");
  folder.check_refused("vocab.json", "lacks the special token '<mask>'");
  folder.file("tokenizer_config.json", R"({"added_tokens_decoder":{"x":{"content":"<mask>"}}})");
  folder.check_refused("tokenizer_config.json", "added_tokens_decoder: 'x' is no id");
  folder.file("tokenizer_config.json", R"({"additional_special_tokens":["<new>"]})");
  folder.check_refused("vocab.json", "lacks the special token '<new>'");
  folder.file("tokenizer_config.json", R"({"pad_token":"<new>"})");
  folder.check_refused("vocab.json", "lacks '<new>', the pad_token");
  folder.file("tokenizer_config.json", "{}").file("added_tokens.json", R"({"<mask>":8})");
  CHECK(cut(*folder.load(), "a<mask>") == "a:0-1 <mask>:1-7");
  folder.file("added_tokens.json", R"({"<new>":11})");
  folder.check_refused("vocab.json", "lacks the special token '<new>'");
}

TEST_CASE("vocabulary files: what files beside a tokenizer.json add has to be in it") {
  Folder folder;
  folder.file("tokenizer.json", test::json_of({test::whole_words({"ab"})}));
  folder.file("added_tokens.json", R"({"ab":0})");
  CHECK(folder.load()->vocab_size() == 2);
  folder.file("added_tokens.json", R"({"ab":1})");
  folder.check_refused("tokenizer.json", "does not add 'ab'");
  folder.file("added_tokens.json", "{}");
  folder.file("tokenizer_config.json", R"({"added_tokens_decoder":{"2":{"content":"<new>"}}})");
  folder.check_refused("tokenizer.json", "does not add '<new>'");
  folder.file("tokenizer_config.json", R"({"additional_special_tokens":["<new>"]})");
  folder.check_refused("tokenizer.json", "does not add '<new>'");
  folder.file("tokenizer.json",
              test::json_of({.model = test::bpe({"a", "\u0120"}, {}),
                             .pre_tokenizer = R"({"type":"ByteLevel","add_prefix_space":false})"}));
  folder.file("tokenizer_config.json",
              R"({"tokenizer_class":"GPT2TokenizerFast","add_prefix_space":true})");
  folder.check_refused("tokenizer.json", "puts no space before a text");
  folder.file("tokenizer_config.json",
              R"({"tokenizer_class":"GPT2TokenizerFast","add_prefix_space":false})");
  CHECK(cut(*folder.load(), "a a") == "a:0-1  :1-2 a:2-3");
}

}  // namespace
}  // namespace ssmi::text
