#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ssmi/task/corpus.h"

namespace ssmi::task {

/// An endless row of windows of `length` tokens over documents laid end to end. In each epoch the
/// windows start from another place, going round at the end, so that each token is in exactly one
/// (what is left over, less than a window, is another in each epoch), and come in another order.
/// Which tokens window i has depends on the seed and i alone.
class Windows {
 public:
  /// The tokens must outlive it. Throws Error{kMismatch} when they are fewer than `length`.
  Windows(std::span<const int32_t> tokens, int64_t length, uint64_t seed);

  int64_t per_epoch() const { return static_cast<int64_t>(tokens_.size() / length_); }
  std::vector<int64_t> at(int64_t index);
  /// Windows [first, first + count): the rows of a batch.
  std::vector<std::vector<int64_t>> rows(int64_t first, int64_t count);

 private:
  void turn_to(int64_t epoch);

  std::span<const int32_t> tokens_;
  size_t length_;
  uint64_t seed_;
  int64_t epoch_ = -1;
  size_t start_ = 0;           // of the epoch's first window
  std::vector<size_t> order_;  // of the epoch's windows
};

/// A piece of a document, to evaluate on.
struct Piece {
  std::vector<int64_t> ids;
  int64_t document;
};

/// Documents cut into pieces of `length` tokens, in order; the last one of each is what is left, if
/// that is at least two.
std::vector<Piece> pieces(const Documents& documents, int64_t length);

}  // namespace ssmi::task
