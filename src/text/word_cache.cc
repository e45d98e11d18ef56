#include "word_cache.h"

#include <algorithm>
#include <cstring>

namespace ssmi::text {
namespace {

constexpr size_t kMaxWords = 1U << 16, kMaxSize = 64;

uint32_t hash_of(std::string_view word) {
  constexpr uint64_t kOdd = 0x9E3779B97F4A7C15U;
  uint64_t hash = word.size() * kOdd;
  for (size_t at = 0; at < word.size(); at += sizeof hash) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, word.data() + at, std::min(sizeof bytes, word.size() - at));
    hash = (hash ^ bytes) * kOdd;
    hash ^= hash >> 29;
  }
  return static_cast<uint32_t>(hash >> 16);
}

}  // namespace

size_t WordCache::place(std::string_view word, uint32_t hash) const {
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.size == 0) return at;
    if (slot.hash == hash && std::string_view(words_).substr(slot.word, slot.size) == word)
      return at;
  }
}

std::optional<WordCache::Tokens> WordCache::find(std::string_view word) const {
  if (word.size() > kMaxSize || word.empty()) return std::nullopt;
  const Slot& slot = slots_[place(word, hash_of(word))];
  if (slot.size == 0) return std::nullopt;
  return Tokens(tokens_).subspan(slot.first, slot.count);
}

WordCache::Tokens WordCache::keep(std::string_view word, const std::vector<Token>& tokens) {
  if (word.size() > kMaxSize || word.empty()) return tokens;
  if (used_ == kMaxWords) *this = WordCache();
  if (2 * ++used_ > slots_.size()) grow();
  const uint32_t hash = hash_of(word);
  slots_[place(word, hash)] = {
      hash, static_cast<uint32_t>(words_.size()), static_cast<uint32_t>(tokens_.size()),
      static_cast<uint16_t>(word.size()), static_cast<uint16_t>(tokens.size())};
  words_ += word;
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  return Tokens(tokens_).last(tokens.size());
}

void WordCache::grow() {
  std::vector<Slot> old(2 * slots_.size());
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.size == 0) continue;
    slots_[place(std::string_view(words_).substr(slot.word, slot.size), slot.hash)] = slot;
  }
}

std::unique_ptr<WordCache> WordCaches::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<WordCache>();
  auto cache = std::move(idle_.back());
  idle_.pop_back();
  return cache;
}

void WordCaches::give_back(std::unique_ptr<WordCache> cache) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(cache));
}

}  // namespace ssmi::text
