#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "jobs.h"
#include "ssmi/analysis/probe/trees.h"

namespace ssmi::probe {

/// One fit of a probe of whole trees and its evaluation. Everything it refers to must outlive it.
using TreeJob = std::function<TreeResult()>;

/// The vectors of all leaves of a set's functions, float32 [T, D] each, standardised by those of
/// training. Throws Error{kBadInput} when one is not finite then.
class TreeVectors {
 public:
  TreeVectors(const VectorJob& base, const TreeSet& set);
  const std::vector<at::Tensor>& part(Part which) const {
    return parts_[static_cast<size_t>(which)];
  }

 private:
  std::array<std::vector<at::Tensor>, 3> parts_;
};

/// What the fits of one layer share.
struct TreeFit {
  VectorJob base;
  const TreeSet* set;
  std::shared_ptr<const TreeVectors> vectors;
};

/// Distances in the tree from the vectors (fit_structural()). Throws Error{kMismatch} for a rank
/// above the vectors' width, as ast_job() does.
TreeJob structural_job(const TreeFit& fit, int64_t rank);
/// The distance of two leaves is taken for how far apart they stand.
TreeJob positions_job(const TreeSet& set, uint64_t seed);

/// The whole tree from the vectors (fit_ast()).
TreeJob ast_job(const TreeFit& fit, int64_t rank);

}  // namespace ssmi::probe
