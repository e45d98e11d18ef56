#include "ssmi/analysis/probe/texts.h"

#include <algorithm>

namespace ssmi::probe {
namespace {

constexpr int64_t kMaxGap = 16;

}  // namespace

TextFeatures::TextFeatures(const std::vector<ParsedFunction>& functions,
                           const std::vector<Pair>& training, bool with_gap)
    : functions_(functions), with_gap_(with_gap) {
  for (const Pair& pair : training) {
    const ParsedFunction& function = functions_[static_cast<size_t>(pair.function)];
    first_.try_emplace(function.leaf_text(pair.first), static_cast<int64_t>(first_.size()));
    if (pair.second == pair.first) continue;
    second_.try_emplace(function.leaf_text(pair.second), static_cast<int64_t>(second_.size()));
  }
}

SparseRows TextFeatures::rows(const std::vector<Pair>& pairs) const {
  const auto texts = static_cast<int64_t>(first_.size() + second_.size());
  SparseRows rows;
  rows.columns = texts + (with_gap_ ? 2 * kMaxGap + 1 : 0);
  const auto add = [&](int64_t column) {
    rows.column.push_back(column);
    rows.value.push_back(1);
  };
  for (const Pair& pair : pairs) {
    const ParsedFunction& function = functions_[static_cast<size_t>(pair.function)];
    const auto first = first_.find(function.leaf_text(pair.first));
    if (first != first_.end()) add(first->second);
    if (pair.second != pair.first) {
      const auto second = second_.find(function.leaf_text(pair.second));
      if (second != second_.end()) add(static_cast<int64_t>(first_.size()) + second->second);
    }
    if (with_gap_) {
      const auto gap = std::clamp<int64_t>(pair.second - pair.first, -kMaxGap, kMaxGap);
      add(texts + gap + kMaxGap);
    }
    rows.begin.push_back(static_cast<int64_t>(rows.column.size()));
  }
  return rows;
}

}  // namespace ssmi::probe
