#pragma once

#include "token_model.h"

namespace ssmi::text {

/// Longest match first (Wu et al. 2016, as BERT does it).
class WordPiece : public TokenModel {
 public:
  struct Options {
    std::string unknown = "[UNK]";
    std::string prefix = "##";    ///< of tokens that go on a word
    size_t max_characters = 100;  ///< a longer word is unknown
  };
  WordPiece(TokenMap tokens, Options options, std::string where);

  void cut(std::string_view piece, std::vector<Token>& out) const override;
  const TokenMap& tokens() const override { return tokens_; }

 private:
  TokenMap tokens_;
  Options options_;
  std::string where_;
  size_t longest_ = 0;  // bytes of the longest token
};

}  // namespace ssmi::text
