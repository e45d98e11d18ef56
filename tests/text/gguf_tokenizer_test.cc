#include <string>
#include <vector>

#include "io/raw_gguf.h"
#include "ssmi/core/file.h"
#include "ssmi/text/tokenizer.h"
#include "support.h"

namespace ssmi::text {
namespace {

using namespace test::gguf;
using test::check_fails;
using test::TemporaryFolder;
using Entries = std::vector<std::string>;

std::unique_ptr<Tokenizer> load(const Entries& entries) {
  const TemporaryFolder folder;
  write_file(folder / "m.gguf", file(entries, {}, ""));
  return load_gguf_tokenizer(folder / "m.gguf");
}

std::string types(const std::vector<int32_t>& values) {
  std::string bytes = raw(uint32_t{5}) + raw(uint64_t{values.size()});
  for (const int32_t value : values)
    bytes += raw(value);
  return entry("tokenizer.ggml.token_type", 9, bytes);
}

/// Digits 1 and 2, "12", "a", "aa", "<s>" (control), "a2" (user-defined), and `more`.
Entries small(const char* pre, const Entries& more = {}) {
  Entries entries{entry("tokenizer.ggml.model", "gpt2"), entry("tokenizer.ggml.pre", pre),
                  entry("tokenizer.ggml.tokens",
                        std::vector<std::string>{"1", "2", "12", "a", "aa", "<s>", "a2"}),
                  entry("tokenizer.ggml.merges", std::vector<std::string>{"1 2", "a a"}),
                  types({1, 1, 1, 1, 1, 3, 4})};
  entries.insert(entries.end(), more.begin(), more.end());
  return entries;
}

using Ids = std::vector<int64_t>;

TEST_CASE("gguf tokenizer: the family says whether digits stand alone") {
  CHECK(load(small("gpt-2"))->encode("12aa").ids == Ids{2, 4});
  CHECK(load(small("smollm"))->encode("12aa").ids == Ids{0, 1, 4});
  CHECK(load(small("starcoder"))->encode("12aa").ids == Ids{0, 1, 4});
  CHECK(load(small("qwen2"))->encode("12aa").ids == Ids{0, 1, 4});
  CHECK(load(small("llama-bpe", {entry("tokenizer.ggml.add_bos_token", false)}))
            ->encode("12aa")
            .ids == Ids{2, 4});
}

TEST_CASE("gguf tokenizer: special tokens are recognised, in a word too") {
  const auto tokenizer = load(small("gpt-2"));
  const Encoding encoding = tokenizer->encode("1<s>aa2");
  CHECK(encoding.ids == Ids{0, 5, 3, 6});
  CHECK(encoding.spans == std::vector<Span>{{0, 1}, {1, 4}, {4, 5}, {5, 7}});
  CHECK(tokenizer->token(5) == "<s>");
  CHECK(tokenizer->vocab_size() == 7);
}

TEST_CASE("gguf tokenizer: markers, by the metadata or else by the family") {
  const std::string bos = entry("tokenizer.ggml.bos_token_id", 5U);
  const std::string eos = entry("tokenizer.ggml.eos_token_id", 4U);
  const auto ids = [](const Entries& entries) { return load(entries)->encode("a").ids; };
  CHECK(ids(small("gpt-2", {bos, eos})) == Ids{3});
  CHECK(ids(small("gpt-2", {bos, eos, entry("tokenizer.ggml.add_bos_token", true),
                            entry("tokenizer.ggml.add_eos_token", true)})) == Ids{5, 3, 4});
  CHECK(ids(small("llama-bpe", {bos})) == Ids{5, 3});
  CHECK(ids(small("llama-bpe", {bos, entry("tokenizer.ggml.add_bos_token", false)})) == Ids{3});
  check_fails(ExitCode::kBadInput, "'tokenizer.ggml.bos_token_id' is missing",
              [&] { load(small("llama-bpe")); });
  check_fails(ExitCode::kBadInput, "id 7 is given a meaning, but the vocabulary has 7 tokens",
              [&] { load(small("llama-bpe", {entry("tokenizer.ggml.bos_token_id", 7U)})); });
}

TEST_CASE("gguf tokenizer: its hash tells families and markers apart") {
  const std::string bos = entry("tokenizer.ggml.bos_token_id", 5U);
  const auto hash = [](const Entries& entries) { return load(entries)->sha256(); };
  CHECK(hash(small("gpt-2")) != hash(small("smollm")));
  CHECK(hash(small("smollm")) == hash(small("starcoder")));
  CHECK(hash(small("smollm", {bos})) == hash(small("smollm")));
  CHECK(hash(small("smollm", {bos, entry("tokenizer.ggml.add_bos_token", true)})) !=
        hash(small("smollm")));
}

TEST_CASE("gguf tokenizer: what is not known is refused by name") {
  const auto refuses = [](const char* message, const Entries& entries) {
    check_fails(ExitCode::kBadInput, message, [&] { load(entries); });
  };
  refuses("metadata 'tokenizer.ggml.model' is missing", {});
  refuses("its tokenizer is 'bert', of which only 'gpt2' (byte-level BPE) is read",
          {entry("tokenizer.ggml.model", "bert")});
  refuses(
      "cuts texts as 'tekken' does ('tokenizer.ggml.pre'), of which are known: deepseek-coder, "
      "gpt-2, llama-bpe, qwen2, smollm, starcoder",
      small("tekken"));
  refuses("'tokenizer.ggml.add_space_prefix' is true, only false is supported",
          small("gpt-2", {entry("tokenizer.ggml.add_space_prefix", true)}));
  Entries types_missing = small("gpt-2");
  types_missing.back() = types({1, 1});
  refuses("has 2 elements, expected one for each of 7 tokens", types_missing);
  types_missing.back() = types({1, 1, 1, 1, 1, 1, 7});
  refuses("should be from 1 to 6, found 7", types_missing);
}

}  // namespace
}  // namespace ssmi::text
