#include "training.h"

#include "commands.h"
#include "ssmi/core/checked.h"
#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/core/memory.h"

namespace ssmi::cli {

void add_training_options(CLI::App& command, TrainingOptions& options) {
  command.add_option("--config", options.config, "How to train (configs/train, configs/finetune)")
      ->required()
      ->type_name("FILE");
  command.add_option("--data", options.data, "What to train on: JSON Lines, also .xz")
      ->required()
      ->type_name("FILE");
  command.add_option("--out", options.out, "Folder of the run")->required()->type_name("DIR");
  command.add_option("--set", options.values, "Put a value over one of the configuration's")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command.add_flag("--resume", options.resume,
                   "Go on from the newest checkpoint (done anyway where there is one); an error "
                   "where there is none");
  add_threads(command, options.threads);
  command.add_flag("--quiet", options.quiet, "No progress");
}

Json read_training_json(const TrainingOptions& options) {
  constexpr uint64_t kMost = 1 << 20;
  Json json = parse_json(read_file(options.config, kMost), options.config);
  const JsonObject object(json, options.config);  // says what is wrong where it is no object
  return json;
}

void check_memory(const std::string& name, int64_t parameters, int64_t copies) {
  const int64_t size = copies * static_cast<int64_t>(sizeof(float));
  const int64_t bytes = checked_mul(parameters, size).value_or(INT64_MAX);
  if (static_cast<uint64_t>(bytes) <= memory_limit()) return;
  const auto gigabytes = [](auto count) { return static_cast<double>(count) / 1e9; };
  fail(ExitCode::kOutOfMemory,
       "{}: describes {} parameters, {:.1f} GB in float32{}; this machine has {:.1f} GB of memory",
       name, parameters, gigabytes(bytes),
       copies > 1 ? " with gradients and the optimiser's state" : "", gigabytes(memory_limit()));
}

std::unique_ptr<model::Model> new_model(const TrainingOptions& options,
                                        const train::TrainConfig& config) {
  auto model = model::make_model(config.model, options.config);
  const int64_t most = model->info().max_tokens;
  if (most > 0 && config.length > most) {
    fail(ExitCode::kMismatch, "{}: 'length' is {}, but the model has positions for {} tokens",
         options.config, config.length, most);
  }
  constexpr int64_t kCopies = 4;  // weights, gradients and AdamW's two averages
  check_memory(options.config, model::parameter_count(*model), kCopies);
  model::initialise(*model, config.seed);
  return model;
}

void run_training(const TrainingOptions& options, const Json& run, const train::TrainConfig& config,
                  const train::Work& work, const train::Made& made, model::Model& model,
                  Progress& progress) {
  if (options.resume && !train::has_checkpoint(options.out)) {
    fail(ExitCode::kMismatch, "--resume: {} holds no checkpoint to go on from", options.out);
  }
  const train::RunFolder folder(options.out, run);
  train::train(config, work, made, folder, model, progress);
}

}  // namespace ssmi::cli
