#include <fmt/format.h>

#include <iostream>

#include "commands.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/model/model.h"

namespace ssmi::cli {
namespace {

struct Options {
  std::string like, out;
  uint64_t seed = 1;
};

void run(const Options& options) {
  const auto checkpoint = io::open_checkpoint(resolve_model(options.like));
  // Sizes that its weights do not have are refused.
  const auto model = model::checked_model(checkpoint).model;
  model::initialise(*model, options.seed);
  model::save_model(*model, checkpoint.config, options.out);
  std::cout << fmt::format("{}: {} with {} parameters, initialised at random (seed {})\n",
                           options.out, model->info().architecture, model::parameter_count(*model),
                           options.seed);
}

}  // namespace

void add_init(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "init", "Write a randomly initialised twin of a checkpoint: the control of every probe");
  command->add_option("--like", options->like, "Checkpoint whose architecture and sizes to take")
      ->required()
      ->type_name("DIR");
  command->add_option("--out", options->out, "Folder to write; must not exist")
      ->required()
      ->type_name("DIR");
  command->add_option("--seed", options->seed, "Seed of the initialisation")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
