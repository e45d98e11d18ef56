#pragma once

#include <string>
#include <vector>

#include "ssmi/analysis/spectrum/compare.h"

namespace ssmi::spectrum {

/// A checkpoint to look at; its state-space parameters are defined.
struct Subject {
  std::string name;
  const Json* config;
  const model::Model* model;
};

/// What was found of one checkpoint.
struct Finding {
  std::string checkpoint;
  Spectrum spectrum;
  Classes classes;
  std::vector<LayerSummary> layers;
  std::vector<LayerSummary> twins;             ///< of fixed kernels, by block and direction
  std::vector<SelectiveLayer> twin_selective;  ///< of the first twin's selective blocks
};

struct Study {
  std::vector<Finding> findings;        ///< one a checkpoint, in order
  std::vector<Comparison> comparisons;  ///< of each later checkpoint with the first
};

/// Measures every checkpoint and its random twins (once for equal configurations) and compares each
/// later checkpoint with the first. Throws Error{kMismatch} for a model without state kernels.
Study study(const std::vector<Subject>& subjects, const Options& options, Progress& progress);

}  // namespace ssmi::spectrum
