#include "ssmi/text/tokenizer.h"

#include "support.h"

namespace ssmi::text {
namespace {

using test::check_fails;

TEST_CASE("tokenizer: bytes are themselves, one other and never padding") {
  const ByteTokenizer tokenizer;
  std::string text;
  for (int byte = 0; byte < 256; ++byte)
    text.push_back(static_cast<char>(byte));
  const Encoding encoding = tokenizer.encode(text);
  REQUIRE(encoding.ids.size() == 256);
  REQUIRE(encoding.spans.size() == 256);
  for (int64_t byte = 0; byte < 256; ++byte) {
    const auto i = static_cast<size_t>(byte);
    const bool kept = byte == 9 || byte == 10 || byte == 13 || (byte >= 32 && byte <= 126);
    CHECK(encoding.ids[i] == (kept ? byte : 128));
    CHECK(encoding.spans[i] == Span{byte, byte + 1});
    CHECK(tokenizer.token(encoding.ids[i]) == (kept ? text.substr(i, 1) : "<other>"));
  }
  CHECK(tokenizer.encode("").ids.empty());
  CHECK(tokenizer.token(129) == "<pad>");
  for (const int64_t id : {-1, 0, 127, 130})
    CHECK(tokenizer.token(id) == "<unused>");
  CHECK(tokenizer.vocab_size() == 130);
}

TEST_CASE("tokenizer: config.json names it") {
  const auto load = [](const std::string& config) {
    return load_tokenizer("m", parse_json(config, "config.json"));
  };
  const auto tokenizer = load(R"({"tokenizer": "bytes"})");
  CHECK(tokenizer->encode("a\xc3").ids == std::vector<int64_t>{'a', 128});
  CHECK(tokenizer->sha256() == ByteTokenizer().sha256());
  check_fails(ExitCode::kBadInput, "m/config.json: unknown tokenizer 'bpe'; tokenizers known",
              [&] { load(R"({"tokenizer": "bpe"})"); });
  check_fails(ExitCode::kBadInput, "'tokenizer' should be a string",
              [&] { load(R"({"tokenizer": 1})"); });
  check_fails(ExitCode::kBadInput, "m: no tokenizer: neither tokenizer.json", [&] { load("{}"); });
}

}  // namespace
}  // namespace ssmi::text
