#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "ssmi/analysis/probe/leaf_vectors.h"
#include "ssmi/analysis/probe/suite.h"
#include "ssmi/io/activation_cache.h"

namespace ssmi::probe {

/// Whose leaf vectors are wanted.
struct Pass {
  io::ActivationCache* cache;  ///< null: every pass is made
  const Subject& subject;
  std::string control;  ///< "none" or a twin
  uint64_t seed;        ///< of the twins
};

/// Makes the leaf vectors at some points.
using Forward = std::function<std::vector<at::Tensor>(const model::Points& points)>;

/// What leaf_vectors() gives for `points`: from the cache what it has, which is noted, the rest
/// from `forward`; the cache then has that too.
std::vector<at::Tensor> cached_vectors(const Pass& pass,
                                       const std::vector<TokenisedFunction>& functions,
                                       const LeafSlots& slots, const model::Points& points,
                                       const Forward& forward, Progress& progress);

}  // namespace ssmi::probe
