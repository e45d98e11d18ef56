#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ssmi/analysis/probe/corpus.h"
#include "ssmi/code/constituents.h"

namespace ssmi::probe {

/// The tree of one function, as the probes of whole trees are asked for it.
struct FunctionTree {
  int32_t function;      ///< index into the corpus
  at::Tensor distances;  ///< [T, T] float32, edges between each two leaves
  code::TreeTuple tuple;
  std::vector<code::Constituent> constituents;

  int64_t leaves() const { return distances.size(0); }
};

/// Functions with fewer have no tree to speak of.
inline constexpr int64_t kLeastLeaves = 5;

struct TreeOptions {
  int64_t functions = 600;   ///< drawn, over all parts; fewer where there are not as many
  int64_t max_leaves = 200;  ///< functions with more, or fewer than kLeastLeaves, are left out
};

struct TreeSet {
  std::array<std::vector<FunctionTree>, 3> parts;
  std::vector<std::string> labels, unary;  ///< those of training, sorted
  int64_t unfit = 0;                       ///< functions of too many or too few leaves

  const std::vector<FunctionTree>& part(Part which) const {
    return parts[static_cast<size_t>(which)];
  }
  /// The corpus indices of all its functions.
  std::vector<int32_t> functions() const;
};

/// `part_of[f]` is the part of the corpus's function f, `functions` what the corpus was made of.
/// Throws Error{kBadInput} when a part gets none.
TreeSet draw_trees(const Corpus& corpus, const std::vector<code::Function>& functions,
                   std::span<const Part> part_of, const TreeOptions& options, uint64_t seed);

/// The mean over test functions of so many leaves.
struct TreeLength {
  int64_t from, to;  ///< leaves, both included
  int64_t functions;
  double value;
};

/// One row of the report: what a probe makes of whole trees.
struct TreeResult {
  std::string checkpoint;        ///< empty for controls that need none
  std::optional<int64_t> layer;  ///< none for controls that have none
  std::string probe;             ///< structural, ast
  std::string control;           ///< none, twin-<i>, positions
  std::optional<int64_t> rank;   ///< of the projection
  /// structural: Spearman's correlation (distance_correlation()); ast: F1 over constituents. The
  /// mean over test functions, and its 95 % interval by bootstrap over them.
  double value = 0, low = 0, high = 0;
  std::optional<double> precision, recall;  ///< of ast
  std::vector<TreeLength> by_length;
  int64_t train = 0, validation = 0, test = 0;  ///< functions
  int64_t epochs = 0;
  std::optional<double> validation_loss;
};

}  // namespace ssmi::probe
