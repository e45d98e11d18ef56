#pragma once

#include <functional>

#include "jobs.h"
#include "ssmi/analysis/probe/trees.h"

namespace ssmi::probe {

/// One fit of a probe of whole trees and its evaluation. Everything it refers to must outlive it.
using TreeJob = std::function<TreeResult()>;

/// Distances in the tree from the vectors (fit_structural()).
TreeJob structural_job(const VectorJob& base, const TreeSet& set, int64_t rank);
/// The distance of two leaves is taken for how far apart they stand.
TreeJob positions_job(const TreeSet& set, uint64_t seed);

/// The whole tree from the vectors (fit_ast()).
TreeJob ast_job(const VectorJob& base, const TreeSet& set, int64_t rank);

}  // namespace ssmi::probe
