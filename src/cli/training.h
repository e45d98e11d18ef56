#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "ssmi/core/progress.h"
#include "ssmi/train/loop.h"

namespace ssmi::cli {

/// What `train` and `finetune` have in common.
struct TrainingOptions {
  std::string config, data, out;
  std::vector<std::string> values;
  bool resume = false, quiet = false;
  int threads = 0;
};

void add_training_options(CLI::App& command, TrainingOptions& options);

/// The JSON of --config.
Json read_training_json(const TrainingOptions& options);

/// The model of the configuration with random weights, by its seed. Throws Error{kMismatch} where
/// it has no positions for rows of the configuration's length.
std::unique_ptr<model::Model> new_model(const TrainingOptions& options,
                                        const train::TrainConfig& config);

/// Trains in the folder --out. `run` tells the run from others.
void run_training(const TrainingOptions& options, const Json& run, const train::TrainConfig& config,
                  const train::Work& work, const train::Made& made, model::Model& model,
                  Progress& progress);

}  // namespace ssmi::cli
