#pragma once

#include <fmt/ranges.h>

#include <memory>
#include <string>
#include <vector>

#include "ssmi/core/json.h"
#include "support.h"
#include "text/tokenizer_json.h"

namespace ssmi::text::test {

/// A tokenizer.json by its parts, each as JSON.
struct Recipe {
  std::string model;
  std::string normalizer = "null";
  std::string pre_tokenizer = "null";
  std::string post_processor = "null";
  std::string added_tokens = "[]";
};

inline std::string json_of(const Recipe& recipe) {
  return fmt::format(
      R"({{"added_tokens":{},"normalizer":{},"pre_tokenizer":{},"post_processor":{},"model":{}}})",
      recipe.added_tokens, recipe.normalizer, recipe.pre_tokenizer, recipe.post_processor,
      recipe.model);
}

inline std::unique_ptr<Tokenizer> made(const Recipe& recipe) {
  return read_tokenizer_json(json_of(recipe), "t.json");
}

/// That the recipe is refused with this in the message, which names the file first.
inline void check_refused(const Recipe& recipe, const std::string& message) {
  const Error error = ssmi::test::error_of([&] { made(recipe); });
  CHECK(error.code() == ExitCode::kBadInput);
  CHECK(std::string(error.what()).starts_with("t.json: "));
  CHECK_MESSAGE(std::string(error.what()).find(message) != std::string::npos,
                "expected '" << message << "' in: " << std::string(error.what()));
}

/// {"token": id, ...} with ids from 0 on.
inline std::string vocabulary(const std::vector<std::string>& tokens) {
  Json json = Json::object();
  for (const std::string& token : tokens)
    json[token] = json.size();
  return json.dump();
}

/// A BPE model; `options` are further entries of it, with a comma before each.
inline std::string bpe(const std::vector<std::string>& tokens,
                       const std::vector<std::string>& merges, const std::string& options = "") {
  return fmt::format(R"({{"type":"BPE","vocab":{},"merges":{}{}}})", vocabulary(tokens),
                     Json(merges).dump(), options);
}

/// A model whose tokens are these whole words, and <unk> for all else.
inline std::string whole_words(std::vector<std::string> words) {
  words.emplace_back("<unk>");
  return fmt::format(
      R"({{"type":"WordPiece","vocab":{},"unk_token":"<unk>","continuing_subword_prefix":"\u0001",)"
      R"("max_input_chars_per_word":100}})",
      vocabulary(words));
}

/// The tokens of a text with their bytes: "def:0-3 x:4-5".
inline std::string cut(const Tokenizer& tokenizer, std::string_view text,
                       Markers markers = Markers::kAdd) {
  const Encoding encoding = tokenizer.encode(text, markers);
  REQUIRE(encoding.ids.size() == encoding.spans.size());
  std::vector<std::string> tokens;
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    const Span& span = encoding.spans[i];
    tokens.push_back(
        fmt::format("{}:{}-{}", tokenizer.token(encoding.ids[i]), span.begin, span.end));
  }
  return fmt::format("{}", fmt::join(tokens, " "));
}

inline std::string cut(const Recipe& recipe, std::string_view text) {
  return cut(*made(recipe), text);
}

/// A model that spells what it is given byte by byte.
inline std::string bytes_model() {
  std::vector<std::string> tokens{"<unk>"};
  for (int byte = 0; byte < 256; ++byte)
    tokens.push_back(fmt::format("<0x{:02X}>", byte));
  return bpe(tokens, {}, R"(,"byte_fallback":true,"unk_token":"<unk>")");
}

/// What a text becomes before the model sees it, and the bytes that each of its bytes stands for.
struct Rewritten {
  std::string text;
  std::vector<Span> spans;
};

inline Rewritten rewritten(const std::string& normalizer, std::string_view text,
                           const std::string& pre_tokenizer = "null") {
  const auto tokenizer = made({bytes_model(), normalizer, pre_tokenizer});
  const Encoding encoding = tokenizer->encode(text);
  Rewritten out{"", encoding.spans};
  for (const int64_t id : encoding.ids)
    out.text.push_back(static_cast<char>(id - 1));
  return out;
}

/// The words that a pre-tokenizer cuts a text into, which it must not rewrite.
inline std::vector<std::string> words(const std::string& pre_tokenizer, std::string_view text) {
  std::vector<std::string> out;
  for (const Span& span : made({whole_words({}), "null", pre_tokenizer})->encode(text).spans) {
    out.emplace_back(
        text.substr(static_cast<size_t>(span.begin), static_cast<size_t>(span.end - span.begin)));
  }
  return out;
}

}  // namespace ssmi::text::test
