#include "bpe.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <queue>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "utf8.h"

namespace ssmi::text {
namespace {

constexpr size_t kLow = 0x800;  // the characters of at most two bytes

}  // namespace

MergeTable::MergeTable(size_t capacity)
    : slots_(std::bit_ceil(std::max<size_t>(16, 2 * capacity))), mask_(slots_.size() - 1) {}

size_t MergeTable::place(uint64_t key) const {
  uint64_t hash = key * 0x9E3779B97F4A7C15U;
  hash ^= hash >> 32;
  size_t at = static_cast<size_t>(hash) & mask_;
  while (slots_[at].key != key && slots_[at].key != kFree)
    at = (at + 1) & mask_;
  return at;
}

void MergeTable::set(uint32_t first, uint32_t second, Merge merge) {
  const uint64_t key = uint64_t{first} << 32 | second;
  slots_[place(key)] = {key, merge};
}

const MergeTable::Merge* MergeTable::find(uint32_t first, uint32_t second) const {
  const uint64_t key = uint64_t{first} << 32 | second;
  const Slot& slot = slots_[place(key)];
  return slot.key == key ? &slot.merge : nullptr;
}

Bpe::Bpe(TokenMap tokens, const Merges& merges, BpeOptions options, std::string where)
    : tokens_(std::move(tokens)),
      merges_(merges.size()),
      options_(std::move(options)),
      low_(kLow),
      bytes_(256, -1),
      where_(std::move(where)) {
  const auto id = [&](const std::string& token, size_t rank) {
    const auto found = tokens_.id(token);
    if (!found) {
      bad_input("{}: merge {} needs token '{}', which the vocabulary lacks", where_, rank,
                excerpt(token));
    }
    return static_cast<uint32_t>(*found);
  };
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [first, second] = merges[rank];
    merges_.set(id(first, rank), id(second, rank),
                {static_cast<uint32_t>(rank), id(first + second, rank)});
  }
  for (size_t code = 0; code < kLow; ++code) {
    std::string character;
    append_utf8(static_cast<char32_t>(code), character);
    low_[code] = tokens_.id(character).value_or(-1);
  }
  if (options_.byte_fallback) {
    for (size_t byte = 0; byte < bytes_.size(); ++byte)
      bytes_[byte] = tokens_.id(fmt::format("<0x{:02X}>", byte)).value_or(-1);
  }
  if (options_.unknown) unknown_ = tokens_.id(*options_.unknown);
  const auto joins = [](const auto& pair) {
    return pair.second.starts_with(kMark) && !pair.first.ends_with(kMark);
  };
  parts_before_mark_ = !options_.ignore_merges && tokens_.id(kMark).has_value() &&
                       std::none_of(merges.begin(), merges.end(), joins);
}

std::optional<int64_t> Bpe::id_of_character(std::string_view character) const {
  if (character.size() > 2) return tokens_.id(character);
  const int64_t id = low_[character_at(character, 0).code];
  return id < 0 ? std::nullopt : std::optional(id);
}

bool Bpe::fall_back(std::string_view character, std::vector<Symbol>& out) const {
  if (!options_.byte_fallback) return false;
  const auto id = [&](char byte) { return bytes_[static_cast<unsigned char>(byte)]; };
  if (std::any_of(character.begin(), character.end(), [&](char byte) { return id(byte) < 0; })) {
    return false;
  }
  for (const char byte : character)
    out.push_back({static_cast<uint32_t>(id(byte)), 1});
  return true;
}

void Bpe::symbols_of(std::string_view piece, std::vector<Symbol>& out) const {
  std::optional<Symbol> unknown;  // waits for another to fuse with
  const auto flush = [&] {
    if (unknown) out.push_back(*unknown);
    unknown.reset();
  };
  for (size_t at = 0, size = 0; at < piece.size(); at += size) {
    size = character_size(piece[at]);
    const std::string_view character = piece.substr(at, size);
    if (const auto id = id_of_character(character)) {
      flush();
      out.push_back({static_cast<uint32_t>(*id), static_cast<uint32_t>(size)});
      continue;
    }
    // The reference lets an unknown that waits stand behind the bytes that follow it.
    if (fall_back(character, out)) continue;
    if (!options_.unknown) continue;
    if (!unknown_) {
      bad_input(
          "{}: the text has '{}', which the vocabulary lacks as it does the unknown token '{}'",
          where_, excerpt(character), excerpt(*options_.unknown));
    }
    if (unknown && options_.fuse_unknown) {
      unknown->size += static_cast<uint32_t>(size);
    } else {
      flush();
      unknown = Symbol{static_cast<uint32_t>(*unknown_), static_cast<uint32_t>(size)};
    }
  }
  flush();
}

void Bpe::merge_short(std::vector<Symbol>& symbols) const {
  constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
  std::array<MergeTable::Merge, 64> next;  // next[i]: how symbols i and i + 1 merge
  const auto look = [&](size_t i) {
    const MergeTable::Merge* found = merges_.find(symbols[i].id, symbols[i + 1].id);
    next[i] = found != nullptr ? *found : MergeTable::Merge{kNone, 0};
  };
  size_t count = symbols.size();
  for (size_t i = 0; i + 1 < count; ++i)
    look(i);
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i)
      if (next[i].rank < next[best].rank) best = i;
    if (next[best].rank == kNone) break;
    symbols[best] = {next[best].id, symbols[best].size + symbols[best + 1].size};
    for (size_t i = best + 1; i + 1 < count; ++i) {
      symbols[i] = symbols[i + 1];
      next[i] = next[std::min(i + 1, next.size() - 1)];
    }
    --count;
    if (best > 0) look(best - 1);
    if (best + 1 < count) look(best);
  }
  symbols.resize(count);
}

void Bpe::merge_long(std::vector<Symbol>& symbols) const {
  struct Candidate {
    uint32_t rank;
    size_t at;
    uint32_t id;
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : at > other.at;
    }
  };
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const size_t count = symbols.size();
  std::vector<size_t> before(count), after(count);  // neighbours; count: none
  const auto look = [&](size_t at) {
    if (at >= count || after[at] >= count) return;
    if (const auto* found = merges_.find(symbols[at].id, symbols[after[at]].id)) {
      queue.push({found->rank, at, found->id});
    }
  };
  for (size_t i = 0; i < count; ++i) {
    before[i] = i == 0 ? count : i - 1;
    after[i] = i + 1;
  }
  for (size_t i = 0; i < count; ++i)
    look(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    const size_t at = best.at;
    if (symbols[at].size == 0 || after[at] >= count) continue;
    const size_t right = after[at];
    const auto* current = merges_.find(symbols[at].id, symbols[right].id);
    if (current == nullptr || current->id != best.id) continue;  // has merged otherwise since
    symbols[at] = {best.id, symbols[at].size + symbols[right].size};
    symbols[right].size = 0;
    after[at] = after[right];
    if (after[at] < count) before[after[at]] = at;
    look(before[at]);
    look(at);
  }
  std::erase_if(symbols, [](const Symbol& symbol) { return symbol.size == 0; });
}

void Bpe::merge(std::vector<Symbol>& symbols) const {
  if (symbols.size() <= 64) {
    merge_short(symbols);
  } else {
    merge_long(symbols);
  }
}

void Bpe::cut(std::string_view piece, std::vector<Token>& out) const {
  if (piece.empty()) return;
  if (options_.ignore_merges) {
    if (const auto id = tokens_.id(piece)) {
      out.push_back({*id, 0, piece.size()});
      return;
    }
  }
  std::vector<Symbol> symbols;
  symbols_of(piece, symbols);
  merge(symbols);
  size_t at = 0;
  for (const Symbol& symbol : symbols) {
    out.push_back({symbol.id, at, at + symbol.size});
    at += symbol.size;
  }
}

}  // namespace ssmi::text
