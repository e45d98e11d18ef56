#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "token_model.h"

namespace ssmi::text {

/// The tokens of short words seen before: code repeats most of its words. An open hash table of
/// places in two pools. Not for two threads at once.
class WordCache {
 public:
  using Tokens = std::span<const Token>;
  std::optional<Tokens> find(std::string_view word) const;
  /// The place of the result, as of those of find(), lasts until the next call.
  Tokens keep(std::string_view word, const std::vector<Token>& tokens);

 private:
  struct Slot {
    uint32_t hash, word, first;  ///< where they begin in the pools
    uint16_t size, count;        ///< of bytes and tokens; size 0: free
  };
  size_t place(std::string_view word, uint32_t hash) const;
  void grow();

  std::vector<Slot> slots_ = std::vector<Slot>(1U << 10);
  size_t used_ = 0;
  std::string words_;
  std::vector<Token> tokens_;
};

/// Caches for as many threads as ask at once.
class WordCaches {
 public:
  std::unique_ptr<WordCache> take();
  void give_back(std::unique_ptr<WordCache> cache);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<WordCache>> idle_;
};

}  // namespace ssmi::text
