#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ssmi/analysis/probe/evaluation.h"

namespace ssmi::probe {

/// What `linear` says beside its predictions.
struct LinearDetail {
  double l2, validation_accuracy, gradient_norm;
  bool converged;
  std::optional<double> bits;         ///< shortest online_code() of the training labels
  std::optional<double> compression;  ///< what they cost without a probe, over that
  std::optional<double> code_l2{};    ///< that the code was made with
};

/// What `ridge` says beside its predictions.
struct RidgeDetail {
  double l2, validation_accuracy;
};

/// What DirectProbe says beside its predictions.
struct DirectProbeDetail {
  int64_t clusters;
  double capacity;  ///< n / (2 (d + 1)), n the points clustered: below 1 any labelling is separable
  int64_t undecided;  ///< pairs of hulls taken as overlapping
  /// Pairs of clusters, and test vectors with their hull, whose distance is known less well than to
  /// 1e-9 of itself.
  int64_t unfinished_distances;
  std::optional<double> min_distance, mean_distance, max_distance;  ///< between unlike clusters
};

/// A token of a file.
struct TokenPlace {
  int64_t line = 0;    ///< from 1
  int64_t column = 0;  ///< bytes before it in the line
  std::string text;
  std::string source;  ///< the line that it begins in
};

struct PairPlace {
  std::string path, function;
  TokenPlace first;
  std::optional<TokenPlace> second;  ///< none of a task of single tokens
};

/// A test pair that a probe is wrong about.
struct Mistake {
  int64_t item = 0;                  ///< of the test items
  int64_t label = 0, predicted = 0;  ///< places in the row's labels
  double probability = 0;            ///< that the probe gives to what it predicts
  PairPlace place;
};

/// One row of the report.
struct Result {
  std::string checkpoint;  ///< empty for controls that need none
  std::string task;
  std::vector<std::string> labels;  ///< their names
  std::optional<int64_t> layer;     ///< none for controls that have none
  int64_t draw = 0;                 ///< of pairs and split
  std::string probe;                ///< linear, ridge, directprobe, none (majority)
  std::string control;  ///< none, majority, texts, texts_and_gap, shuffled, control_task, ...
  Evaluation evaluation;
  std::vector<int64_t> predicted;  ///< of the test items
  std::vector<Mistake> mistakes;   ///< of `linear`, the most confident ones first
  int64_t train = 0, test = 0;     ///< items; training includes validation
  int64_t missing_pairs = 0;       ///< asked for, but the functions have no more
  int64_t identical_vectors = 0;   ///< training items left out: equal vectors, different labels
  std::optional<LinearDetail> linear;
  std::optional<RidgeDetail> ridge;
  std::optional<DirectProbeDetail> directprobe;
};

}  // namespace ssmi::probe
