#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "normalizer.h"
#include "pre_tokenizer.h"
#include "token_map.h"

namespace ssmi::text {

/// A token that is recognised in a text as it stands, as `tokenizers` does.
struct AddedToken {
  std::string content;
  int64_t id = -1;
  bool single_word = false;  ///< not within a word
  bool lstrip = false;       ///< takes in the spaces before it
  bool rstrip = false;       ///< takes in the spaces behind it
  bool normalized = false;   ///< looked for in the normalised text, and normalised itself
};

class AddedTokens {
 public:
  AddedTokens() = default;
  /// Later tokens with an id that is taken replace the earlier one.
  AddedTokens(const std::vector<AddedToken>& tokens, const Normalizers& normalizers);

  /// Cuts a text (UTF-8) at the added tokens and normalises what is between them.
  std::vector<Piece> cut(std::string_view text, const Normalizers& normalizers) const;
  bool empty() const { return tokens_.empty(); }
  /// By id.
  const std::map<int64_t, AddedToken>& tokens() const { return tokens_; }

  /// A stretch of a text, and the added token that stands there (-1: none).
  struct Found {
    size_t begin, end;
    int64_t id;
  };
  /// The tokens of one kind in a text, with what is between them.
  std::vector<Found> find(std::string_view text, bool normalized) const;

 private:
  /// Texts to look for, all of whose first bytes are in `first`, longest first for each byte.
  struct Needles {
    std::vector<std::pair<std::string, int64_t>> by_byte[256];
    bool empty = true;
  };
  const std::pair<std::string, int64_t>* longest(const Needles& needles, std::string_view text,
                                                 size_t at) const;

  std::map<int64_t, AddedToken> tokens_;
  Needles plain_, normalized_;
};

}  // namespace ssmi::text
