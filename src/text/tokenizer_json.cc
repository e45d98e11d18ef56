#include "tokenizer_json.h"

#include <algorithm>

#include "large_json.h"
#include "pipeline.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/hash.h"
#include "unigram.h"
#include "wordpiece.h"

namespace ssmi::text {
namespace {

bool given(const JsonObject& json, const std::string& key) {
  return json.has(key) && !json.at(key).is_null();
}

bool flag(const JsonObject& json, const std::string& key) {
  return given(json, key) && json.boolean(key);
}

/// Takes what may be long out of the file, so that what is left can be an ordered Json.
LargeJson take(LargeJson& json, const std::string& key) {
  const auto found = json.find(key);
  if (found == json.end()) return nullptr;
  LargeJson value = std::move(*found);
  json.erase(found);
  return value;
}

std::unique_ptr<const TokenModel> read_bpe(const JsonObject& json, const LargeJson& vocabulary,
                                           const LargeJson& merges) {
  if (given(json, "dropout") && json.number("dropout") != 0) {
    bad_input("{}: BPE with dropout is not supported", json.where());
  }
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (given(json, key) && !json.string(key).empty()) {
      bad_input("{}: BPE with {} is not supported", json.where(), key);
    }
  }
  BpeOptions options;
  if (given(json, "unk_token")) options.unknown = json.string("unk_token");
  options.fuse_unknown = flag(json, "fuse_unk");
  options.byte_fallback = flag(json, "byte_fallback");
  options.ignore_merges = flag(json, "ignore_merges");
  return std::make_unique<Bpe>(read_token_map(vocabulary, json.where()),
                               read_merges(merges, json.where()), options, json.where());
}

std::unique_ptr<const TokenModel> read_wordpiece(const JsonObject& json,
                                                 const LargeJson& vocabulary) {
  WordPiece::Options options;
  options.unknown = json.string("unk_token");
  options.prefix = json.string("continuing_subword_prefix");
  options.max_characters = static_cast<size_t>(json.integer("max_input_chars_per_word", 0, kMaxId));
  return std::make_unique<WordPiece>(read_token_map(vocabulary, json.where()), options,
                                     json.where());
}

std::unique_ptr<const TokenModel> read_unigram(const JsonObject& json,
                                               const LargeJson& vocabulary) {
  if (!vocabulary.is_array()) {
    bad_input("{}: the vocabulary should be a list, found {}", json.where(),
              vocabulary.type_name());
  }
  if (vocabulary.empty()) bad_input("{}: the vocabulary is empty", json.where());
  Unigram::Scores scores;
  for (const LargeJson& entry : vocabulary) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      bad_input("{}: entry {} of the vocabulary should be a token and its score", json.where(),
                scores.size());
    }
    scores.emplace_back(entry[0].get<std::string>(), entry[1].get<double>());
  }
  std::optional<int64_t> unknown;
  if (given(json, "unk_id")) {
    unknown = json.integer("unk_id", 0, static_cast<int64_t>(scores.size()) - 1);
  }
  return std::make_unique<Unigram>(scores, unknown, flag(json, "byte_fallback"), json.where());
}

std::unique_ptr<const TokenModel> read_model(LargeJson model, const std::string& where) {
  const LargeJson vocabulary = take(model, "vocab");
  const LargeJson merges = take(model, "merges");
  const Json rest(model);
  const JsonObject json(rest, where + ": model");
  if (!json.has("type")) {  // files from before the models had names
    if (merges.is_array()) return read_bpe(json, vocabulary, merges);
    if (vocabulary.is_array()) return read_unigram(json, vocabulary);
    return read_wordpiece(json, vocabulary);
  }
  const std::string type = json.string("type");
  if (type == "BPE") return read_bpe(json, vocabulary, merges);
  if (type == "WordPiece") return read_wordpiece(json, vocabulary);
  if (type == "Unigram") return read_unigram(json, vocabulary);
  bad_input("{}: model '{}' is not supported; BPE, WordPiece and Unigram are", where,
            excerpt(type));
}

/// An added token gets the id its content has in the vocabulary, else the next free one, whatever
/// its own "id" says: so does the reference.
std::vector<AddedToken> read_added(const Json& json, const TokenMap& vocabulary,
                                   const std::string& where) {
  if (json.is_null()) return {};
  if (!json.is_array()) bad_input("{}: added_tokens should be a list", where);
  std::vector<AddedToken> tokens;
  TokenMap added;
  int64_t next = static_cast<int64_t>(vocabulary.size());
  for (const Json& entry : json) {
    const JsonObject object(entry, where + ": added_tokens");
    AddedToken token;
    token.content = object.string("content");
    if (token.content.empty()) continue;
    token.single_word = object.boolean("single_word");
    token.lstrip = object.boolean("lstrip");
    token.rstrip = object.boolean("rstrip");
    token.normalized = object.boolean("normalized");
    auto id = added.id(token.content);
    if (!id) id = vocabulary.id(token.content);
    token.id = id ? *id : next++;
    added.add(token.content, token.id);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

/// What decides how texts are cut, as text.
std::string canonical(const LargeJson& json) {
  std::string out;
  for (const char* key :
       {"added_tokens", "normalizer", "pre_tokenizer", "post_processor", "model"}) {
    const auto found = json.find(key);
    out += found == json.end() ? "null"
                               : found->dump(-1, ' ', false, LargeJson::error_handler_t::replace);
    out += '\n';
  }
  return out;
}

}  // namespace

std::unique_ptr<Tokenizer> read_tokenizer_json(std::string_view text, const std::string& where) {
  LargeJson json = parse_large_json(text, where);
  if (!json.is_object()) {
    bad_input("{}: expected a JSON object, found {}", where, json.type_name());
  }
  Steps steps;
  steps.sha256 = sha256(canonical(json));
  steps.model = read_model(take(json, "model"), where);
  const auto part = [&](const char* key) { return Json(take(json, key)); };
  steps.normalizers = read_normalizers(part("normalizer"), where);
  steps.pre_tokenizers = read_pre_tokenizers(part("pre_tokenizer"), where);
  const auto levels = std::count_if(
      steps.pre_tokenizers.begin(), steps.pre_tokenizers.end(),
      [](const auto& step) { return dynamic_cast<const ByteAlphabet*>(step.get()) != nullptr; });
  // Each would write two bytes for most of the one before.
  if (levels > 1) bad_input("{}: pre_tokenizer ByteLevel {} times is not supported", where, levels);
  steps.post = read_post_processor(part("post_processor"), where);
  if (!steps.post.trims.empty() && dynamic_cast<const Unigram*>(steps.model.get()) != nullptr) {
    bad_input("{}: trimmed offsets with a Unigram model are not supported", where);
  }
  steps.added = AddedTokens(read_added(part("added_tokens"), steps.model->tokens(), where),
                            steps.normalizers);
  return std::make_unique<Pipeline>(std::move(steps));
}

}  // namespace ssmi::text
