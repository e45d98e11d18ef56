#include "ssmi/task/neighbour_table.h"

#include <algorithm>
#include <bit>

#include "ssmi/core/error.h"

namespace ssmi::task {
namespace {

// A key is (first, second, token), or (neighbour, token): 21 bits each.
constexpr int kBits = std::bit_width(static_cast<uint64_t>(NeighbourTable::kMaxVocabulary)) - 1;
constexpr uint64_t kToken = (uint64_t{1} << kBits) - 1;

uint64_t joined(uint64_t prefix, int64_t token) {
  return prefix << kBits | static_cast<uint64_t>(token);
}

}  // namespace

NeighbourTable::Counts NeighbourTable::counted(std::vector<uint64_t> keys) {
  std::ranges::sort(keys);
  Counts out;
  size_t kept = 0;
  for (size_t i = 0; i < keys.size();) {
    size_t end = i + 1;
    while (end < keys.size() && keys[end] == keys[i])
      ++end;
    out.counts.push_back(static_cast<uint32_t>(end - i));
    keys[kept++] = keys[i];
    i = end;
  }
  keys.resize(kept);
  keys.shrink_to_fit();
  out.keys = std::move(keys);
  return out;
}

NeighbourTable::Context NeighbourTable::summary(const Counts& counts, size_t begin, size_t end) {
  Context context{begin, end};
  for (size_t i = begin; i < end; ++i) {
    const uint64_t count = counts.counts[i];
    context.total += count;
    if (count <= context.best_count) continue;
    context.best_count = count;
    context.best = static_cast<int64_t>(counts.keys[i] & kToken);
  }
  return context;
}

NeighbourTable::Context NeighbourTable::context(const Counts& counts, uint64_t prefix) {
  const auto prefix_of = [](uint64_t key) { return key >> kBits; };
  const auto range = std::ranges::equal_range(counts.keys, prefix, {}, prefix_of);
  return summary(counts, static_cast<size_t>(range.begin() - counts.keys.begin()),
                 static_cast<size_t>(range.end() - counts.keys.begin()));
}

uint64_t NeighbourTable::count_in(const Counts& counts, const Context& context, int64_t token) {
  const auto first = counts.keys.begin() + static_cast<ptrdiff_t>(context.begin);
  const auto last = counts.keys.begin() + static_cast<ptrdiff_t>(context.end);
  const auto token_of = [](uint64_t key) { return key & kToken; };
  const auto found =
      std::ranges::lower_bound(first, last, static_cast<uint64_t>(token), {}, token_of);
  if (found == last || token_of(*found) != static_cast<uint64_t>(token)) return 0;
  return counts.counts[static_cast<size_t>(found - counts.keys.begin())];
}

std::vector<NeighbourTable::Context> NeighbourTable::by_prefix(const Counts& counts,
                                                               int64_t vocab_size) {
  std::vector<Context> contexts(static_cast<size_t>(vocab_size));
  for (size_t i = 0; i < counts.keys.size();) {
    const uint64_t prefix = counts.keys[i] >> kBits;
    size_t end = i;
    while (end < counts.keys.size() && counts.keys[end] >> kBits == prefix)
      ++end;
    contexts[static_cast<size_t>(prefix)] = summary(counts, i, end);
    i = end;
  }
  return contexts;
}

NeighbourTable::NeighbourTable(std::span<const int32_t> tokens, Places places, int64_t vocab_size)
    : tokens_(static_cast<size_t>(vocab_size)) {
  if (vocab_size > kMaxVocabulary) {
    fail(ExitCode::kMismatch, "a vocabulary of {} tokens; neighbours are counted of at most {}",
         vocab_size, kMaxVocabulary);
  }
  const auto size = static_cast<int64_t>(tokens.size());
  const int64_t begin = -std::min(places.first, places.second);
  const int64_t end = size - std::max<int64_t>(0, std::max(places.first, places.second));
  const auto at = [&](int64_t i) { return tokens[static_cast<size_t>(i)]; };
  const auto count = [&](auto key_of) {
    std::vector<uint64_t> keys;
    keys.reserve(static_cast<size_t>(std::max<int64_t>(0, end - begin)));
    for (int64_t i = begin; i < end; ++i)
      keys.push_back(key_of(i));
    return counted(std::move(keys));
  };
  const auto near = [&](int64_t i, int64_t place) { return static_cast<uint64_t>(at(i + place)); };
  pairs_ = count([&](int64_t i) {
    return joined(joined(near(i, places.first), at(i + places.second)), at(i));
  });
  singles_[0] = count([&](int64_t i) { return joined(near(i, places.first), at(i)); });
  singles_[1] = count([&](int64_t i) { return joined(near(i, places.second), at(i)); });
  for (const size_t side : {0, 1})
    contexts_[side] = by_prefix(singles_[side], vocab_size);
  for (const int32_t token : tokens)
    ++tokens_[static_cast<size_t>(token)];
  total_ = tokens.size();
  most_frequent_ = std::ranges::max_element(tokens_) - tokens_.begin();
}

const NeighbourTable::Context& NeighbourTable::single(size_t side, int64_t token) const {
  static const Context kUnseen;
  return token == kNone ? kUnseen : contexts_[side][static_cast<size_t>(token)];
}

int64_t NeighbourTable::guess(int64_t first, int64_t second) const {
  if (first != kNone && second != kNone) {
    const Context pair = context(pairs_, joined(static_cast<uint64_t>(first), second));
    if (pair.seen()) return pair.best;
  }
  const Context &left = single(0, first), &right = single(1, second);
  if (!left.seen() && !right.seen()) return most_frequent_;
  // best / total without division; a context that was never seen has 0 / 0
  const bool left_is_surer = left.best_count * std::max<uint64_t>(1, right.total) >
                             right.best_count * std::max<uint64_t>(1, left.total);
  return left_is_surer ? left.best : right.best;
}

double NeighbourTable::own(int64_t token) const {
  return (static_cast<double>(tokens_[static_cast<size_t>(token)]) + 1) /
         static_cast<double>(total_ + tokens_.size());
}

double NeighbourTable::alone(size_t side, int64_t neighbour, int64_t token) const {
  const Context& seen = single(side, neighbour);
  const auto count = static_cast<double>(count_in(singles_[side], seen, token));
  return (count + seen.kinds() * own(token)) / (static_cast<double>(seen.total) + seen.kinds());
}

double NeighbourTable::probability(int64_t first, int64_t second, int64_t token) const {
  const bool left = single(0, first).seen(), right = single(1, second).seen();
  double behind = 0;
  if (left) behind += alone(0, first, token);
  if (right) behind += alone(1, second, token);
  if (left && right) behind /= 2;
  if (!left && !right) behind = own(token);
  if (!left || !right) return behind;
  const Context pair = context(pairs_, joined(static_cast<uint64_t>(first), second));
  if (!pair.seen()) return behind;
  const auto count = static_cast<double>(count_in(pairs_, pair, token));
  return (count + pair.kinds() * behind) / (static_cast<double>(pair.total) + pair.kinds());
}

}  // namespace ssmi::task
