#pragma once

#include <CLI/CLI.hpp>
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

/// Trains in the folder --out. `run` tells the run from others.
void run_training(const TrainingOptions& options, const Json& run, const train::TrainConfig& config,
                  const train::Work& work, const train::Made& made, model::Model& model,
                  Progress& progress);

}  // namespace ssmi::cli
