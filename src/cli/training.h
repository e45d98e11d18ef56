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

/// Throws Error{kOutOfMemory} where `copies` values in float32 of each parameter of the model that
/// `name` describes do not fit the memory. Nothing vouches for the sizes that a config asks for.
void check_memory(const std::string& name, int64_t parameters, int64_t copies);

/// The model of the configuration with random weights, by its seed. Throws Error{kMismatch} where
/// it has no positions for rows of the configuration's length, Error{kOutOfMemory} where it would
/// not fit the memory with its gradients and the optimiser's state.
std::unique_ptr<model::Model> new_model(const TrainingOptions& options,
                                        const train::TrainConfig& config);

/// Trains in the folder --out. `run` tells the run from others.
void run_training(const TrainingOptions& options, const Json& run, const train::TrainConfig& config,
                  const train::Work& work, const train::Made& made, model::Model& model,
                  Progress& progress);

}  // namespace ssmi::cli
