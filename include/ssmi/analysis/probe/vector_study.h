#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ssmi/analysis/probe/directprobe.h"
#include "ssmi/analysis/probe/result.h"
#include "ssmi/analysis/probe/vector_set.h"
#include "ssmi/core/progress.h"

namespace ssmi::probe {

struct VectorOptions {
  bool linear = true;
  bool ridge = false;
  bool directprobe = true;
  bool controls = true;   ///< majority, shuffled labels
  bool distances = true;  ///< of every test vector to every hull
  uint64_t seed = 1;
};

struct VectorStudy {
  std::vector<Result> results;
  std::optional<Clustering> clusters;  ///< of the labels as they are
  at::Tensor to_test;                  ///< [m, clusters] distances_to_hulls(), where asked for
};

/// Every probe on vectors that come without functions: one vector in eight of training, drawn by
/// the seed, chooses the strength of linear and ridge, and intervals are over test vectors.
VectorStudy probe_vectors(const VectorSet& set, const VectorOptions& options, Progress& progress);

}  // namespace ssmi::probe
