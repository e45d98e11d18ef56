#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "added_tokens.h"
#include "post_processor.h"
#include "pre_tokenizer.h"
#include "ssmi/text/tokenizer.h"
#include "token_model.h"
#include "word_cache.h"

namespace ssmi::text {

/// What a tokenizer.json describes, step by step.
struct Steps {
  AddedTokens added;
  Normalizers normalizers;
  PreTokenizers pre_tokenizers;
  std::unique_ptr<const TokenModel> model;
  PostProcessor post;
  std::string sha256;
};

class Pipeline : public Tokenizer {
 public:
  explicit Pipeline(Steps steps);
  ~Pipeline() override;

  std::string token(int64_t id) const override;
  int64_t vocab_size() const override { return vocab_size_; }
  std::string sha256() const override { return steps_.sha256; }

 private:
  /// A token with its bytes of the text; `edges`: spaces its string begins and ends with.
  struct Cut {
    int64_t id;
    Span span;
    std::pair<uint32_t, uint32_t> edges;
  };
  Encoding cut(std::string_view text, Markers markers) const override;
  std::vector<Cut> tokens_of(std::string_view text) const;
  /// Words as bytes of the texts that they are cut from.
  struct Words {
    struct Word {
      size_t text, begin, end;
    };
    std::vector<AlignedText> texts;
    std::vector<Word> words;
  };
  Words words_of(AlignedText piece) const;
  /// `tokens` is room for those of a word not seen before.
  WordCache::Tokens tokens_of_word(std::string_view word, std::vector<Token>& tokens,
                                   WordCache& cache) const;
  void trim(std::string_view text, bool first_is_added, std::vector<Cut>& tokens) const;

  Steps steps_;
  bool byte_level_ = false;
  bool writes_words_ = false;  // in GPT-2's alphabet, before the model cuts them
  bool parts_words_ = false;   // at U+2581, where the model never joins what is before it
  mutable WordCaches caches_;
  int64_t vocab_size_ = 0;
  /// Spaces at the ends of the tokens that have any.
  std::unordered_map<int64_t, std::pair<uint32_t, uint32_t>> edges_;
};

}  // namespace ssmi::text
