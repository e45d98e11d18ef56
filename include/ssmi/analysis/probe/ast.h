#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "ssmi/core/random.h"

namespace ssmi::probe {

/// The leaves of one function: vectors [T, D] float32, and its tree as a tuple (code::TreeTuple)
/// with labels as numbers; -1 for a label that no training function has.
struct LeafTuple {
  at::Tensor vectors;
  std::vector<int64_t> heights, labels;  ///< [T - 1]
  std::vector<int64_t> unary;            ///< [T]
};

/// An AST-Probe (Lopez et al. 2022): with z = B h, the height between neighbours is
/// |z_i - z_(i-1)|^2, its label's score (z_i - z_(i-1)) C^T, that of a leaf's unary label z_i U^T.
/// Minimises, over functions, a hinge with margin 1 on every two heights that differ, both cross
/// entropies, and 5 |B B^T - I|^2.
struct AstProbe {
  at::Tensor projection;     ///< B [rank, D]
  at::Tensor labels, unary;  ///< C [labels, rank], U [unary labels, rank]
  int64_t epochs = 0;
  double validation_loss = 0;
};

AstProbe fit_ast(std::span<const LeafTuple> train, std::span<const LeafTuple> validation,
                 int64_t rank, int64_t labels, int64_t unary, Random& random);

/// What the probe says of vectors [T, D].
struct PredictedTuple {
  std::vector<double> heights;
  std::vector<int64_t> labels, unary;
};
PredictedTuple predict(const AstProbe& probe, const at::Tensor& vectors);

}  // namespace ssmi::probe
