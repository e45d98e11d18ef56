#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "token_model.h"

namespace ssmi::text {

/// The tokens of words seen before: code repeats most of its words. Not for two threads at once.
class WordCache {
 public:
  /// Null for a word that is not there.
  const std::vector<Token>* find(std::string_view word) const {
    const auto found = words_.find(word);
    return found == words_.end() ? nullptr : &found->second;
  }
  /// Keeps the tokens of a short word; the place lasts until the next call.
  const std::vector<Token>& keep(std::string_view word, std::vector<Token> tokens) {
    constexpr size_t kMaxWords = 1U << 16, kMaxSize = 64;
    if (word.size() > kMaxSize) return last_ = std::move(tokens);
    if (words_.size() >= kMaxWords) words_.clear();
    return words_.insert_or_assign(std::string(word), std::move(tokens)).first->second;
  }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::vector<Token>, Hash, std::equal_to<>> words_;
  std::vector<Token> last_;
};

/// Caches for as many threads as ask at once.
class WordCaches {
 public:
  std::unique_ptr<WordCache> take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<WordCache>();
    auto cache = std::move(idle_.back());
    idle_.pop_back();
    return cache;
  }
  void give_back(std::unique_ptr<WordCache> cache) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(cache));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<WordCache>> idle_;
};

}  // namespace ssmi::text
