#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <set>

#include "commands.h"
#include "progress.h"
#include "report_output.h"
#include "ssmi/analysis/spectrum/study.h"
#include "ssmi/core/error.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/report/run.h"
#include "ssmi/report/spectrum_report.h"

namespace ssmi::cli {
namespace {

struct Options {
  std::vector<std::string> checkpoints{kBundledModel};
  spectrum::Options spectrum;
  std::string dtype = "float64";
  int threads = 0;
  ReportOutput output;
};

/// A checkpoint with what was noticed on opening it. Its tensors are views of the mapped files.
struct Opened {
  io::Checkpoint checkpoint;
  std::vector<std::string> notes;
  std::unique_ptr<model::Model> model;
};

std::vector<Opened> open_all(const std::vector<std::string>& names, Progress& progress) {
  std::vector<Opened> opened;
  std::set<std::string> seen;
  for (const std::string& name : names) {
    const auto path = std::filesystem::canonical(resolve_model(name));
    if (!seen.insert(path).second) fail(ExitCode::kUsage, "{}: is given twice", name);
    auto checkpoint = io::open_checkpoint(path);
    auto [model, notes] = model::load_model(checkpoint, model::is_state_space);
    note_all(notes, progress);
    opened.push_back({std::move(checkpoint), std::move(notes), std::move(model)});
  }
  return opened;
}

Json run_object(const Options& options, const std::vector<Opened>& opened) {
  const auto& thresholds = options.spectrum.thresholds;
  Json run = report::run_environment();
  run["dtype"] = options.dtype;
  run["seed"] = options.spectrum.seed;
  run["config"] = {{"length", options.spectrum.length}, {"twins", options.spectrum.twins},
                   {"silent", options.spectrum.silent}, {"low_band", thresholds.low_band},
                   {"high_band", thresholds.high_band}, {"centroid", thresholds.centroid},
                   {"low_pass", thresholds.low_pass},   {"band_pass", thresholds.band_pass}};
  run["checkpoints"] = Json::array();
  for (size_t i = 0; i < opened.size(); ++i) {
    run["checkpoints"].push_back({{"name", options.checkpoints[i]},
                                  {"architecture", opened[i].model->info().architecture},
                                  {"sha256", io::checkpoint_sha256(opened[i].checkpoint)},
                                  {"notes", opened[i].notes}});
  }
  return run;
}

void check_thresholds(const spectrum::Options& options) {
  const auto& [low_band, high_band, centroid, low_pass, band_pass] = options.thresholds;
  for (const double value : {low_band, high_band, centroid, low_pass, band_pass, options.silent}) {
    if (!std::isfinite(value)) fail(ExitCode::kUsage, "thresholds should be finite numbers");
  }
  if (band_pass > low_pass) {
    fail(ExitCode::kUsage, "--band-pass {} is above --low-pass {}, so that no kernel can be one",
         band_pass, low_pass);
  }
}

void run(Options options) {
  catch_signals();
  check_thresholds(options.spectrum);
  const report::Timing timing;
  StderrProgress progress(options.output.quiet);
  if (options.threads > 0) at::set_num_threads(options.threads);
  if (options.dtype == "float32") options.spectrum.type = at::kFloat;
  const auto opened = open_all(options.checkpoints, progress);
  for (const Opened& entry : opened)
    check_output(options.output.file, entry.checkpoint);
  std::vector<spectrum::Subject> subjects;
  for (size_t i = 0; i < opened.size(); ++i) {
    subjects.push_back(
        {options.checkpoints[i], &opened[i].checkpoint.config, opened[i].model.get()});
  }

  const auto started = std::chrono::steady_clock::now();
  const auto study = spectrum::study(subjects, options.spectrum, progress);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - started;

  Json report{{"schema", "ssmi/spectrum/1"}, {"run", run_object(options, opened)}};
  report.update(report::spectrum_results(study, options.spectrum));
  report["timing"] = timing.json();
  report["timing"]["spectrum_seconds"] = spent.count();
  write_report(options.output, report);
  show_report(options.output, report, report::spectrum_tables(study, options.spectrum));
}

void add_threshold_options(CLI::App& command, spectrum::Thresholds& thresholds) {
  const auto add = [&](const char* name, double& value, double low, double high, const char* help) {
    command.add_option(name, value, help)->check(CLI::Range(low, high))->capture_default_str();
  };
  add("--low-band", thresholds.low_band, 0, 1, "The low band is this share of the bins");
  add("--high-band", thresholds.high_band, 0, 1, "The high band begins at this share of the bins");
  add("--centroid", thresholds.centroid, 0, 0.5,
      "Low-pass kernels have a smaller centroid (cycles per token)");
  add("--low-pass", thresholds.low_pass, -100, 100,
      "Low-pass kernels have a larger log10 LHFR, band-pass ones at most this");
  add("--band-pass", thresholds.band_pass, -100, 100,
      "Band-pass kernels have at least this log10 LHFR, high-pass ones less");
}

}  // namespace

void add_spectrum(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "spectrum", "Find out what the state kernels of each layer pass and block");
  command
      ->add_option("checkpoint", options->checkpoints,
                   "Checkpoint folders, or names of known ones; later ones are compared with the "
                   "first")
      ->type_name("DIR")
      ->capture_default_str();
  auto& spectrum = options->spectrum;
  command->add_option("--length", spectrum.length, "Taps of each kernel, in tokens")
      ->check(CLI::Range(int64_t{32}, int64_t{1} << 20))
      ->capture_default_str();
  command->add_option("--dtype", options->dtype, "Precision of kernels and transform")
      ->check(CLI::IsMember({"float64", "float32"}))
      ->capture_default_str();
  add_threshold_options(*command, spectrum.thresholds);
  command
      ->add_option("--silent", spectrum.silent,
                   "Kernels with less than this part of an equal share of the energy are silent")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--twins", spectrum.twins, "Randomly initialised twins beside each kernel")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  command->add_option("--seed", spectrum.seed, "Seed of the first twin")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_threads(*command, options->threads);
  add_report_output(*command, options->output)->required();
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
