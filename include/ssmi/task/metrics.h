#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ssmi/core/random.h"
#include "ssmi/task/bootstrap.h"

namespace ssmi::task {

/// How another model does on the same items, and how much more than that a model reaches: 95 % of
/// the test sets that are drawn for both alike (paired bootstrap) are between `low` and `high`.
struct Difference {
  double value = 0;  ///< the other model's
  double difference = 0, low = 0, high = 0;
};

/// What a model reaches, where 95 % of the resampled test sets are (bootstrap over independent
/// units), over how many items, and what the strongest trivial answer reaches on the same ones.
struct Metric {
  double value = 0, low = 0, high = 0;
  int64_t count = 0;
  std::optional<double> baseline;
  std::optional<Difference> against;
};

/// What can be computed of any draw of a test set's units. Refers to what it was made of.
struct Measure {
  size_t units = 0;     ///< that are drawn as a whole: documents, queries, functions
  int64_t count = 0;    ///< items in them
  Statistic statistic;  ///< of the units drawn
};

/// The model's measure with all that it is set beside, which is of the same units.
Metric measured(const Measure& model, const std::optional<Measure>& baseline,
                const std::optional<Measure>& against, Random& random);

/// How well the tokens of one document were named.
struct TokenScore {
  int64_t count = 0, correct = 0;
  double surprise = 0;  ///< sum of -ln p of the tokens, nats

  TokenScore& operator+=(const TokenScore& other);
};

/// The share of tokens named right; documents are drawn.
Measure token_accuracy(std::span<const TokenScore> documents);
/// exp of the mean surprise of a token; documents are drawn.
Measure perplexity(std::span<const TokenScore> documents);

/// The mean of 1 / rank over queries; the right answer's rank counts from 1.
Measure mean_reciprocal_rank(std::span<const int64_t> ranks);

/// Class predictions of one unit that is drawn as a whole (a function).
struct Classified {
  std::vector<int64_t> gold, predicted;
};

/// Of predictions of classes 0 to `classes` - 1. F1 of a class is 2 TP / (2 TP + FP + FN).
Measure class_accuracy(std::span<const Classified> units, int64_t classes);
/// The mean F1 of the classes that are gold or predicted somewhere. A draw of units without one of
/// them takes that class's F1 in all units: left out, rare classes that are never right would make
/// draws better than the whole.
Measure f1_macro(std::span<const Classified> units, int64_t classes);
/// The mean F1 weighted by how often each class is gold.
Measure f1_weighted(std::span<const Classified> units, int64_t classes);

}  // namespace ssmi::task
