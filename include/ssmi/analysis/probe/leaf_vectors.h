#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "ssmi/analysis/probe/corpus.h"
#include "ssmi/model/forward_rows.h"

namespace ssmi::probe {

/// The leaves that some probe uses, each with a slot: only their vectors are kept.
class LeafSlots {
 public:
  /// Those of the sets' pairs, and all leaves of the functions in `whole`.
  LeafSlots(const std::vector<ParsedFunction>& functions, std::span<const PairSet> sets,
            std::span<const int32_t> whole = {});

  int64_t size() const { return size_; }
  /// The leaves of function f that have slots, rising, and the first one's slot.
  const std::vector<int32_t>& leaves(size_t function) const { return leaves_[function]; }
  int64_t first(size_t function) const { return first_[function]; }
  /// The slot of a leaf; the leaf must have one.
  int64_t slot(int32_t function, int32_t leaf) const;

 private:
  std::vector<std::vector<int32_t>> leaves_;
  std::vector<int64_t> first_;
  int64_t size_ = 0;
};

/// One pass over the functions that have slots, for all points at once, which must be of tokens
/// ([S, width]). A leaf's vector is the mean of the values at the tokens that touch it. Returns
/// [slots, width] float32 for each point. Throws Error{kBadInput} when a value is not finite.
std::vector<at::Tensor> leaf_vectors(const model::Model& model,
                                     const std::vector<TokenisedFunction>& functions,
                                     const LeafSlots& slots, const model::Points& points,
                                     const std::string& stage, Progress& progress);

/// The vectors of pairs, [n, D] (difference, leaf alone) or [n, 2D] (concatenation), float64.
at::Tensor pair_vectors(const std::vector<Pair>& pairs, const TaskInfo& task,
                        const LeafSlots& slots, const at::Tensor& vectors);

}  // namespace ssmi::probe
