#include <fmt/format.h>

#include <iostream>

#include "commands.h"
#include "dtype.h"
#include "progress.h"
#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/model/model.h"
#include "training.h"

namespace ssmi::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string like, config, out, dtype = "float32";
  uint64_t seed = 1;
};

/// A model with undefined parameters, and its config.
struct Blank {
  std::unique_ptr<model::Model> model;
  Json config;
};

Blank blank_model(const Options& options) {
  if (options.config.empty()) {
    StderrProgress progress(false);
    const auto checkpoint = io::open_checkpoint(resolve_model(options.like));
    // Sizes that its weights do not have are refused.
    auto [model, notes] = model::checked_model(checkpoint);
    note_all(notes, progress);
    return {std::move(model), checkpoint.config};
  }
  Json config = io::read_config(options.config);
  auto model = model::make_model(config, options.config);
  return {std::move(model), std::move(config)};
}

double gigabytes(uint64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

/// The parameters have to fit the memory, and the disk under `out`.
void check_fits(int64_t parameters, const Options& options) {
  check_memory(options.config.empty() ? options.like : options.config, parameters, 1);
  const uint64_t bytes = static_cast<uint64_t>(parameters) * sizeof(float);
  std::error_code status;
  fs::path parent = fs::absolute(options.out).parent_path();
  while (!fs::exists(parent, status) && parent != parent.root_path())
    parent = parent.parent_path();
  const uint64_t kept = options.dtype == "float32" ? bytes : bytes / 2;
  const uint64_t available = fs::space(parent, status).available;
  if (!status && kept > available) {
    fail(ExitCode::kDisk, "{}: needs {:.1f} GB, {} has {:.1f} GB left", options.out,
         gigabytes(kept), parent.string(), gigabytes(available));
  }
}

void run(const Options& options) {
  const auto [model, config] = blank_model(options);
  const int64_t count = model::parameter_count(*model);
  check_fits(count, options);
  model::initialise(*model, options.seed);
  model::save_model(*model, config, options.out, dtype_named(options.dtype));
  const auto size = fs::file_size(fs::path(options.out) / "model.safetensors");
  std::cout << fmt::format(
      "{}: {} with {} parameters, initialised at random (seed {}), {:.1f} MB in {}\n", options.out,
      model->info().architecture, count, options.seed, static_cast<double>(size) / 1e6,
      options.dtype);
}

}  // namespace

void add_init(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "init",
      "Write a randomly initialised model: a checkpoint's twin, the control of every "
      "probe, or what a configuration describes");
  auto* source = command->add_option_group("source", "One of");
  source->add_option("--like", options->like, "Checkpoint whose architecture and sizes to take")
      ->type_name("DIR");
  source->add_option("--config", options->config, "Configuration (JSON) of the model to make")
      ->type_name("FILE");
  source->require_option(1);
  command->add_option("--out", options->out, "Folder to write; must not exist")
      ->required()
      ->type_name("DIR");
  add_dtype(*command, options->dtype);
  command->add_option("--seed", options->seed, "Seed of the initialisation")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
