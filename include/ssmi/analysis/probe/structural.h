#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "ssmi/core/random.h"

namespace ssmi::probe {

/// The leaves of one function: vectors [T, D], and the edges between each two in its tree [T, T],
/// both float32.
struct LeafTree {
  at::Tensor vectors;
  at::Tensor distances;
};

/// A structural probe (Hewitt and Manning 2019): B [rank, D] such that |B (h_i - h_j)|^2 comes near
/// the distance of leaves i and j. Minimises the mean over functions of the mean absolute error
/// over all pairs of leaves.
struct StructuralProbe {
  at::Tensor projection;
  int64_t epochs = 0;
  double validation_loss = 0;
};

StructuralProbe fit_structural(std::span<const LeafTree> train,
                               std::span<const LeafTree> validation, int64_t rank, Random& random);

/// Squared distances after the projection, [T, T]; equal ones from equal vectors.
at::Tensor structural_distances(const at::Tensor& projection, const at::Tensor& vectors);

/// Spearman's correlation of predicted and true distances from one leaf to all others, ranks of
/// equal distances averaged; the mean over the leaves. Both [T, T] float32. A leaf for which either
/// side has no two different distances counts as 0; T must be at least 3.
double distance_correlation(const at::Tensor& predicted, const at::Tensor& distances);

}  // namespace ssmi::probe
