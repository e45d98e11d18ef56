#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ssmi/analysis/probe/evaluation.h"

namespace ssmi::probe {

/// The test pairs of a task in one draw of pairs and split.
struct TestPairs {
  std::string task;
  int64_t draw = 0;
  TestItems items;
  std::vector<std::vector<std::string>> relations;  ///< of each pair, as "siblings of if"
};

/// What the linear probe of a checkpoint's layer says of them.
struct Answers {
  std::string checkpoint, task;
  int64_t layer = 0, draw = 0;
  double validation_accuracy = 0;
  std::vector<int64_t> predicted;
};

/// A layer of one checkpoint and task, in one draw.
struct Validated {
  int64_t layer = 0;
  double accuracy = 0;  ///< of `linear` on the validation items
};

/// The block (layer 0 is the embedding) that is best by the mean over its draws, the lower of
/// equals; nothing where there is no block.
std::optional<int64_t> best_block(std::span<const Validated> validated);

/// Accuracy of a checkpoint less that of its base on the same pairs: means over the draws.
struct Difference {
  std::string task;
  std::string relation;  ///< empty: all pairs of the task
  int64_t layer = 0;
  int64_t pairs = 0;  ///< to test on, in the draw that has fewest
  double base = 0, accuracy = 0, difference = 0;
  double low = 0, high = 0;  ///< 95 % interval of the difference
  double p = 1;              ///< two-sided, that there is none
  double p_holm = 1;         ///< the same for the whole family (Holm 1979)
};

struct Comparison {
  std::string base, checkpoint;
  int64_t draws = 0, resamples = 0;
  std::map<std::string, int64_t> chosen;  ///< task -> the base's best_block() that both have
  std::vector<Difference> layers;         ///< a family: all tasks and layers that both have
  std::vector<Difference> relations;      ///< another, at the chosen blocks; by difference
};

struct CompareOptions {
  int64_t resamples = 10'000;  ///< and 100 for each of a family, but no more than 5 times this
  int64_t least_pairs = 30;    ///< relations with fewer test pairs in some draw are left out
  uint64_t seed = 1;
};

/// Compares `checkpoint` with `base`. Intervals and p are of a bootstrap of two levels: draws, and
/// test functions, which are drawn alike for both, in all draws, tasks and layers.
Comparison compare(const std::string& base, const std::string& checkpoint,
                   const std::vector<TestPairs>& tests, const std::vector<Answers>& answers,
                   const CompareOptions& options);

/// How often a checkpoint is right about the pairs of a relation, in the first draw, at its
/// best_block().
struct RelationAccuracy {
  std::string checkpoint, task, relation;
  int64_t layer = 0, pairs = 0;
  double accuracy = 0, low = 0, high = 0;  ///< with the 95 % interval over test functions
};

/// Relations with fewer than options.least_pairs test pairs are left out.
std::vector<RelationAccuracy> breakdown(const std::string& checkpoint,
                                        const std::vector<TestPairs>& tests,
                                        const std::vector<Answers>& answers,
                                        const CompareOptions& options);

/// p-values of a family made to hold for all of it (Holm 1979).
std::vector<double> holm(const std::vector<double>& p);

}  // namespace ssmi::probe
