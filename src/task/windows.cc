#include "ssmi/task/windows.h"

#include <fmt/format.h>

#include <algorithm>

#include "ssmi/core/error.h"
#include "ssmi/core/random.h"

namespace ssmi::task {

Windows::Windows(std::span<const int32_t> tokens, int64_t length, uint64_t seed)
    : tokens_(tokens), length_(static_cast<size_t>(length)), seed_(seed) {
  if (length < 2 || tokens.size() < length_) {
    fail(ExitCode::kMismatch,
         "windows of {} tokens: expected at least 2 and at most the {} of the corpus", length,
         tokens.size());
  }
}

void Windows::turn_to(int64_t epoch) {
  if (epoch == epoch_) return;
  epoch_ = epoch;
  Random random(seed_, fmt::format("windows of epoch {}", epoch));
  start_ = random.below(tokens_.size());
  order_ = random.permutation(static_cast<size_t>(per_epoch()));
}

std::vector<int64_t> Windows::at(int64_t index) {
  turn_to(index / per_epoch());
  const auto place = static_cast<size_t>(index % per_epoch());
  const size_t first = (start_ + order_[place] * length_) % tokens_.size();
  const auto before_end = tokens_.subspan(first, std::min(length_, tokens_.size() - first));
  std::vector<int64_t> window(before_end.begin(), before_end.end());
  const auto round = tokens_.first(length_ - before_end.size());
  window.insert(window.end(), round.begin(), round.end());
  return window;
}

std::vector<std::vector<int64_t>> Windows::rows(int64_t first, int64_t count) {
  std::vector<std::vector<int64_t>> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back(at(first + i));
  return rows;
}

std::vector<Piece> pieces(const Documents& documents, int64_t length) {
  std::vector<Piece> pieces;
  for (size_t d = 0; d < documents.size(); ++d) {
    for (auto rest = documents[d]; rest.size() >= 2;) {
      const auto taken = rest.first(std::min(rest.size(), static_cast<size_t>(length)));
      pieces.push_back({{taken.begin(), taken.end()}, static_cast<int64_t>(d)});
      rest = rest.subspan(taken.size());
    }
  }
  return pieces;
}

}  // namespace ssmi::task
