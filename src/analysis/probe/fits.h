#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ssmi/analysis/probe/directprobe.h"
#include "ssmi/analysis/probe/linear.h"
#include "ssmi/analysis/probe/result.h"

namespace ssmi::probe {

/// Labelled vectors that a probe is fitted to and judged on.
struct Samples {
  at::Tensor x_train, x_validation, x_test;
  std::vector<int64_t> y_train, y_validation;
  TestItems test;
  std::vector<std::string> labels;

  int64_t train_size() const { return static_cast<int64_t>(y_train.size() + y_validation.size()); }
};

/// Permutes the labels of training and validation among them.
void shuffle_labels(Samples& samples, uint64_t seed, const std::string& task);

/// The commonest label of training and validation, ties to the first.
int64_t most_frequent(const Samples& samples);

/// How good `predicted` is: a row without a checkpoint and a layer.
Result judged(const Samples& samples, std::vector<int64_t> predicted, const std::string& task,
              uint64_t seed);

/// The probes, fitted and judged.
Result linear_result(const Samples& samples, const std::string& task, uint64_t seed);
/// The same of a fit to something else than the samples' vectors.
Result linear_result(const Samples& samples, const LinearResult& fit, const std::string& task,
                     uint64_t seed);

Result ridge_result(const Samples& samples, const std::string& task, uint64_t seed);

/// Adds the description length of the training labels to a linear_result() of the same samples: the
/// shortest code of kL2Grid, and which it is.
void describe(const Samples& samples, uint64_t seed, Result& result);

/// `keep`, where given, takes the clusters themselves.
Result directprobe_result(const Samples& samples, const std::string& task, uint64_t seed,
                          Clustering* keep = nullptr);

}  // namespace ssmi::probe
