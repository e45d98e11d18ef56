#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "token_map.h"

namespace ssmi::text {

/// A token of a piece: the piece's bytes [begin, end).
struct Token {
  int64_t id;
  size_t begin;
  size_t end;
};

/// What cuts a piece (a word, as the pre-tokenizer gives it) into tokens of its vocabulary.
class TokenModel {
 public:
  virtual ~TokenModel() = default;
  /// Appends the tokens of a piece. Throws Error{kBadInput} where the vocabulary has none.
  virtual void cut(std::string_view piece, std::vector<Token>& out) const = 0;
  virtual const TokenMap& tokens() const = 0;
};

}  // namespace ssmi::text
