#include "training.h"

#include "commands.h"
#include "ssmi/core/error.h"
#include "ssmi/core/file.h"

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

std::unique_ptr<model::Model> new_model(const TrainingOptions& options,
                                        const train::TrainConfig& config) {
  auto model = model::make_model(config.model, options.config);
  const int64_t most = model->info().max_tokens;
  if (most > 0 && config.length > most) {
    fail(ExitCode::kMismatch, "{}: 'length' is {}, but the model has positions for {} tokens",
         options.config, config.length, most);
  }
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
