#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "token_model.h"

namespace ssmi::text {

/// Pairs of ids and what they merge into: an open hash table.
class MergeTable {
 public:
  struct Merge {
    uint32_t rank;  ///< the lower, the earlier
    uint32_t id;
  };
  explicit MergeTable(size_t capacity);
  /// A pair given again takes the new value.
  void set(uint32_t first, uint32_t second, Merge merge);
  const Merge* find(uint32_t first, uint32_t second) const;

 private:
  struct Slot {
    uint64_t key = kFree;
    Merge merge{};
  };
  static constexpr uint64_t kFree = ~uint64_t{0};
  size_t place(uint64_t key) const;

  std::vector<Slot> slots_;
  size_t mask_;
};

struct BpeOptions {
  std::optional<std::string> unknown;
  bool fuse_unknown = false;
  bool byte_fallback = false;  ///< characters without a token become <0xHH>, if all are there
  bool ignore_merges = false;  ///< a piece that is a token is not cut
};

/// Byte pair encoding over the characters of a piece (Sennrich et al. 2016).
class Bpe : public TokenModel {
 public:
  using Merges = std::vector<std::pair<std::string, std::string>>;
  /// Throws Error{kBadInput} when a merge's parts or result are not in the vocabulary.
  Bpe(TokenMap tokens, const Merges& merges, BpeOptions options, std::string where);

  void cut(std::string_view piece, std::vector<Token>& out) const override;
  const TokenMap& tokens() const override { return tokens_; }
  const BpeOptions& options() const { return options_; }

  /// SentencePiece's mark of a space, U+2581.
  static constexpr std::string_view kMark = "\xE2\x96\x81";
  /// Whether a piece may be cut before the mark, where another character is before that, and gives
  /// the same tokens: no merge joins the two.
  bool parts_before_mark() const { return parts_before_mark_; }

  struct Symbol {
    uint32_t id;
    uint32_t size;  ///< bytes
  };
  /// Merges neighbours until no merge is left; leaves the symbols that remain.
  void merge(std::vector<Symbol>& symbols) const;

 private:
  std::optional<int64_t> id_of_character(std::string_view character) const;
  void symbols_of(std::string_view piece, std::vector<Symbol>& out) const;
  bool fall_back(std::string_view character, std::vector<Symbol>& out) const;
  void merge_short(std::vector<Symbol>& symbols) const;
  void merge_long(std::vector<Symbol>& symbols) const;

  TokenMap tokens_;
  MergeTable merges_;
  BpeOptions options_;
  bool parts_before_mark_;
  std::optional<int64_t> unknown_;
  std::vector<int64_t> low_;    // ids of the characters below kLow, -1 where there is none
  std::vector<int64_t> bytes_;  // ids of <0x00> to <0xFF>, -1 where there is none
  std::string where_;
};

}  // namespace ssmi::text
