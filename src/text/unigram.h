#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "token_model.h"

namespace ssmi::text {

/// The most probable cut of a piece (Kudo 2018), found as PyPI `tokenizers` finds it: ties go to
/// the token that begins first, characters without a token cost 10 more than the rarest token, and
/// neighbours of them are one unknown.
class Unigram : public TokenModel {
 public:
  using Scores = std::vector<std::pair<std::string, double>>;  ///< by id
  Unigram(const Scores& scores, std::optional<int64_t> unknown, bool byte_fallback,
          std::string where);

  void cut(std::string_view piece, std::vector<Token>& out) const override;
  const TokenMap& tokens() const override { return tokens_; }

 private:
  struct Node {
    int64_t id = -1;              // of the token that ends here
    std::vector<uint32_t> edges;  // indices into nodes_, with their bytes in labels
    std::string labels;
  };
  void insert(const std::string& token, int64_t id);
  void emit(std::string_view text, size_t begin, std::vector<Token>& out) const;

  TokenMap tokens_;
  std::vector<double> scores_;
  std::vector<Node> nodes_;  // a trie; nodes_[0] is its root
  std::optional<int64_t> unknown_;
  bool byte_fallback_;
  double unknown_score_;
  std::string where_;
};

}  // namespace ssmi::text
