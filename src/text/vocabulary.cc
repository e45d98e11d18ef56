#include "ssmi/text/vocabulary.h"

#include "bpe.h"
#include "large_json.h"
#include "pipeline.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/hash.h"
#include "wordpiece.h"

namespace ssmi::text {
namespace {

TokenMap map_of(const std::vector<std::string>& tokens) {
  TokenMap map;
  for (size_t id = 0; id < tokens.size(); ++id)
    map.add(tokens[id], static_cast<int64_t>(id));
  return map;
}

const std::string& token_at(const std::vector<std::string>& tokens, int64_t id,
                            const std::string& where) {
  if (id < 0 || static_cast<size_t>(id) >= tokens.size()) {
    bad_input("{}: id {} is given a meaning, but the vocabulary has {} tokens", where, id,
              tokens.size());
  }
  return tokens[static_cast<size_t>(id)];
}

/// An unambiguous text of a vocabulary, to be hashed.
class Canonical {
 public:
  explicit Canonical(std::string name) : text_(std::move(name)) {}
  Canonical& add(std::string_view item) {
    text_ += fmt::format("\n{}:", item.size());
    text_ += item;
    return *this;
  }
  Canonical& add(const std::vector<std::string>& items) {
    add(fmt::format("list of {}", items.size()));
    for (const std::string& item : items)
      add(item);
    return *this;
  }
  std::string hash() const { return sha256(text_); }

 private:
  std::string text_;
};

PreTokenizers pre_tokenizers_of(const ByteLevelBpe& bpe, const std::string& where) {
  PreTokenizers steps;
  if (bpe.digits_alone) steps.push_back(make_digits(true));
  bool gpt2 = false;
  for (const std::string& pattern : bpe.patterns) {
    if (gpt2) bad_input("{}: the pattern gpt2 should be the last one", where);
    gpt2 = pattern == "gpt2";
    if (!gpt2) steps.push_back(make_split(Regex(pattern, where), false, Behavior::kIsolated));
  }
  add_byte_level(false, gpt2, steps);
  return steps;
}

}  // namespace

std::unique_ptr<Tokenizer> make_tokenizer(const ByteLevelBpe& bpe, const std::string& where) {
  Canonical canonical("byte-level BPE");
  canonical.add(bpe.tokens).add(bpe.merges).add(bpe.patterns);
  canonical.add(fmt::format("{} {} {} {} {}", bpe.nfc, bpe.digits_alone, bpe.ignore_merges,
                            bpe.bos.value_or(-1), bpe.eos.value_or(-1)));
  Steps steps;
  if (bpe.nfc) steps.normalizers = read_normalizers(Json{{"type", "NFC"}}, where);
  steps.pre_tokenizers = pre_tokenizers_of(bpe, where);
  Bpe::Merges merges;
  for (const std::string& merge : bpe.merges)
    merges.push_back(split_merge(merge, merges.size(), where));
  BpeOptions options;
  options.ignore_merges = bpe.ignore_merges;
  steps.model = std::make_unique<Bpe>(map_of(bpe.tokens), merges, options, where);
  std::vector<AddedToken> special;
  for (const int64_t id : bpe.special) {
    special.push_back({token_at(bpe.tokens, id, where), id});
    canonical.add(fmt::format("{}", id));
  }
  steps.added = AddedTokens(special, steps.normalizers);
  for (const auto& [marker, ids] :
       {std::pair(bpe.bos, &steps.post.before), std::pair(bpe.eos, &steps.post.after)}) {
    if (!marker) continue;
    token_at(bpe.tokens, *marker, where);
    ids->push_back(*marker);
  }
  steps.sha256 = canonical.hash();
  return std::make_unique<Pipeline>(std::move(steps));
}

std::unique_ptr<Tokenizer> make_tokenizer(const WordPieceVocabulary& words,
                                          const std::string& where) {
  const TokenMap tokens = map_of(words.tokens);
  const auto id = [&](const std::string& token) {
    const auto found = tokens.id(token);
    if (!found) bad_input("{}: the vocabulary lacks '{}'", where, excerpt(token));
    return *found;
  };
  Canonical canonical("WordPiece");
  canonical.add(words.tokens).add(fmt::format("{} {}", words.lowercase, words.strip_accents));
  canonical.add(fmt::format("{}", words.chinese_apart)).add(words.special);
  canonical.add({words.unknown, words.cls, words.sep});
  Steps steps;
  steps.normalizers.push_back(
      make_bert_normalizer({true, words.chinese_apart, words.strip_accents, words.lowercase}));
  steps.pre_tokenizers.push_back(make_bert_pre_tokenizer());
  steps.post = {{id(words.cls)}, {id(words.sep)}, {}};
  WordPiece::Options options;
  options.unknown = words.unknown;
  steps.model = std::make_unique<WordPiece>(tokens, options, where);
  std::vector<AddedToken> special;
  for (const std::string& token : words.special)
    if (const auto found = tokens.id(token)) special.push_back({token, *found});
  steps.added = AddedTokens(special, steps.normalizers);
  steps.sha256 = canonical.hash();
  return std::make_unique<Pipeline>(std::move(steps));
}

}  // namespace ssmi::text
