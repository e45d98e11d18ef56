#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace ssmi::task {

/// Names a token by two tokens near it, from counts of a corpus: the trivial answer that a model
/// has to beat. What counts are kept of: (first, second, token) where first and second lie at fixed
/// places from the token.
class NeighbourTable {
 public:
  static constexpr int64_t kMaxVocabulary = int64_t{1} << 21;
  static constexpr int64_t kNone = -1;  ///< no token is there

  /// Places of the two neighbours relative to the token.
  struct Places {
    int64_t first, second;
  };
  static constexpr Places kAround{-1, 1};   ///< for masked tokens
  static constexpr Places kBefore{-2, -1};  ///< for next tokens

  /// Counts all tokens that have both neighbours. Ids are below `vocab_size`. Throws
  /// Error{kMismatch} for a vocabulary of more than kMaxVocabulary.
  NeighbourTable(std::span<const int32_t> tokens, Places places, int64_t vocab_size);

  /// The most frequent token between the two; where they were never seen together, that of the one
  /// whose most frequent token has the greater share; where neither was, the most frequent of all.
  int64_t guess(int64_t first, int64_t second) const;

  /// The probability of a token by interpolation (Witten and Bell 1991, method C): that of the
  /// pair, with the mean of both neighbours' behind it, with the tokens' own behind that.
  double probability(int64_t first, int64_t second, int64_t token) const;

 private:
  /// Sorted distinct keys, and how often each was there.
  struct Counts {
    std::vector<uint64_t> keys;
    std::vector<uint32_t> counts;
  };
  /// What was seen in one context: a range of the counts.
  struct Context {
    size_t begin = 0, end = 0;
    uint64_t total = 0;
    uint64_t best_count = 0;
    int64_t best = kNone;

    double kinds() const { return static_cast<double>(end - begin); }
    bool seen() const { return total > 0; }
  };
  static Counts counted(std::vector<uint64_t> keys);
  static Context summary(const Counts& counts, size_t begin, size_t end);
  static Context context(const Counts& counts, uint64_t prefix);
  static uint64_t count_in(const Counts& counts, const Context& context, int64_t token);
  static std::vector<Context> by_prefix(const Counts& counts, int64_t vocab_size);

  const Context& single(size_t side, int64_t token) const;
  double alone(size_t side, int64_t neighbour, int64_t token) const;
  double own(int64_t token) const;

  Counts pairs_;
  std::array<Counts, 2> singles_;                 // of the first and the second neighbour
  std::array<std::vector<Context>, 2> contexts_;  // the same by neighbour
  std::vector<uint64_t> tokens_;                  // how often each id was there
  uint64_t total_ = 0;
  int64_t most_frequent_ = 0;
};

}  // namespace ssmi::task
