#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "ssmi/analysis/probe/leaf_vectors.h"
#include "ssmi/analysis/probe/suite.h"

namespace ssmi::probe {

/// One fit and its evaluation. Everything it refers to must outlive it.
using Job = std::function<Result()>;

/// Runs job(0) to job(count - 1), each on one thread, as many at once as there are threads; fewer
/// jobs than threads one after the other on all of them. `progress` has begun a stage of as many.
void run_each(size_t count, const std::function<void(size_t)>& job, Progress& progress);

/// Where a job's vectors come from.
struct VectorJob {
  std::string checkpoint;
  std::string control;  ///< "none" or a twin
  int64_t layer;
  const LeafSlots* slots;
  at::Tensor vectors;  ///< [slots, D]
  uint64_t seed;
  int64_t draw = 0;
};

/// The most frequent training label for every pair.
Job majority_job(const PairSet& set, uint64_t seed);
/// Logistic regression on the texts of the two leaves (TextFeatures).
Job texts_job(const PairSet& set, const std::vector<ParsedFunction>& functions, bool with_gap,
              uint64_t seed);
/// What a pair's label is: its own; that of another training pair, drawn (test pairs keep theirs);
/// drawn once for the types of both leaves, or for the text of a leaf alone, from how frequent the
/// labels are in training: a task that can only be learned by heart (Hewitt and Liang 2019).
enum class Labelling { kTrue, kShuffled, kControlTask };

/// The probes. With `described` the linear one also says how long a code of the labels it gives.
Job linear_job(const VectorJob& base, const PairSet& set,
               const std::vector<ParsedFunction>& functions, Labelling labelling, bool described);
Job ridge_job(const VectorJob& base, const PairSet& set);
/// The linear probe fitted to the first 1/2, 1/4 .. 1/32 of each label's pairs, as long as two of
/// each are left to train on, and tested on all: points of a learning curve.
std::vector<Job> fewer_pairs_jobs(const VectorJob& base, const PairSet& set,
                                  const std::vector<ParsedFunction>& functions);
Job directprobe_job(const VectorJob& base, const PairSet& set, Labelling labelling);

}  // namespace ssmi::probe
