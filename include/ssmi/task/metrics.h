#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ssmi/core/random.h"

namespace ssmi::task {

/// What a model reaches, where 95 % of the resampled test sets are (bootstrap over independent
/// units), over how many items, and what the strongest trivial answer reaches on the same ones.
struct Metric {
  double value = 0, low = 0, high = 0;
  int64_t count = 0;
  std::optional<double> baseline;
};

/// How well the tokens of one document were named.
struct TokenScore {
  int64_t count = 0, correct = 0;
  double surprise = 0;  ///< sum of -ln p of the tokens, nats

  TokenScore& operator+=(const TokenScore& other);
};

/// The share of tokens named right; documents are drawn.
Metric token_accuracy(std::span<const TokenScore> documents, Random& random);
/// exp of the mean surprise of a token; documents are drawn.
Metric perplexity(std::span<const TokenScore> documents, Random& random);

/// The mean of 1 / rank over queries; the right answer's rank counts from 1.
Metric mean_reciprocal_rank(std::span<const int64_t> ranks, Random& random);

/// Class predictions of one unit that is drawn as a whole (a function).
struct Classified {
  std::vector<int64_t> gold, predicted;
};

struct ClassMetrics {
  Metric accuracy;
  Metric f1_macro;     ///< mean over the classes that are gold or predicted somewhere
  Metric f1_weighted;  ///< mean weighted by how often each is gold
};

/// Classes are 0 to `classes` - 1. F1 of a class is 2 TP / (2 TP + FP + FN).
ClassMetrics class_metrics(std::span<const Classified> units, int64_t classes, Random& random);

}  // namespace ssmi::task
