#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <map>

#include "commands.h"
#include "device.h"
#include "eval_tasks.h"
#include "progress.h"
#include "ssmi/core/error.h"
#include "ssmi/report/eval_report.h"
#include "ssmi/report/run.h"

namespace ssmi::cli {
namespace {

using Task = EvalResult (*)(const EvalOptions&, const EvalModels&, Progress&);

const std::map<std::string, Task>& tasks() {
  static const std::map<std::string, Task> kTasks{{"mlm", judge_tokens},
                                                  {"lm", judge_tokens},
                                                  {"code-search", judge_search},
                                                  {"sqa", judge_search},
                                                  {"types", judge_types}};
  return kTasks;
}

/// What a task takes without --data, in share/data.
const std::map<std::string, std::string>& bundled() {
  static const std::map<std::string, std::string> kBundled{
      {"code-search", "python-functions.jsonl.xz"}, {"types", "python-types.jsonl.xz"}};
  return kBundled;
}

EvalModel open_model(const std::string& name, const EvalOptions& options, Progress& progress) {
  EvalModel opened{name, io::open_checkpoint(resolve_model(name)), nullptr, nullptr};
  const bool of_body = tasks().at(options.task) == judge_search;
  const auto takes = of_body ? model::is_of_body : model::ParameterFilter{};
  auto [model, notes] = model::load_model(opened.checkpoint, takes);
  note_all(notes, progress);
  opened.model = std::move(model);
  opened.model->move(device_named(options.device));
  opened.tokenizer = text::load_tokenizer(opened.checkpoint);
  const int64_t most = opened.model->info().max_tokens;
  if (most > 0 && options.length > most) {
    fail(ExitCode::kMismatch, "--length {}: {} has positions for {} tokens", options.length, name,
         most);
  }
  return opened;
}

Json checkpoint_object(const EvalModel& opened) {
  return {{"name", opened.name},
          {"architecture", opened.model->info().architecture},
          {"sha256", io::checkpoint_sha256(opened.checkpoint)},
          {"tokenizer_sha256", opened.tokenizer->sha256()}};
}

Json run_object(const EvalOptions& options, const EvalModels& models) {
  Json run = report::run_environment(options.device);
  run["seed"] = options.seed;
  run["config"] = {{"task", options.task},
                   {"length", options.length},
                   {"max_pieces", options.max_pieces},
                   {"split_seed", options.split_seed},
                   {"batch_tokens", options.batch_tokens}};
  run["checkpoint"] = checkpoint_object(models.own);
  if (models.against) run["against"] = checkpoint_object(*models.against);
  return run;
}

/// What only some tasks take is not passed over in silence.
void check_usage(const EvalOptions& options) {
  if (options.data.empty() && bundled().count(options.task) == 0) {
    fail(ExitCode::kUsage, "--data is needed: nothing is bundled for --task {}", options.task);
  }
  const bool tokens = options.task == "mlm" || options.task == "lm";
  if (!tokens && !options.fit.empty()) fail(ExitCode::kUsage, "--fit: is of --task mlm and lm");
  if (!tokens && options.split_seed != 0)
    fail(ExitCode::kUsage, "--split-seed: is of --task mlm and lm");
  if (!tokens && options.max_pieces > 0)
    fail(ExitCode::kUsage, "--max-pieces: is of --task mlm and lm");
}

void run(EvalOptions options) {
  check_usage(options);
  if (options.data.empty()) options.data = share_folder() / "data" / bundled().at(options.task);
  catch_signals();
  const report::Timing timing;
  StderrProgress progress(options.output.quiet);
  if (options.threads > 0) at::set_num_threads(options.threads);
  EvalModels models{open_model(options.checkpoint, options, progress), {}};
  if (!options.against.empty()) models.against = open_model(options.against, options, progress);
  for (const std::string& read : {options.data, options.fit})
    check_output(options.output.file, read);
  check_output(options.output.file, models.own.checkpoint);
  if (models.against) check_output(options.output.file, models.against->checkpoint);
  const EvalResult result = tasks().at(options.task)(options, models, progress);
  const Json report{{"schema", "ssmi/eval/1"},   {"run", run_object(options, models)},
                    {"data", result.data},       {"baseline", result.baseline},
                    {"metrics", result.metrics}, {"timing", timing.json()}};
  write_report(options.output, report);
  show_report(options.output, report,
              report::metric_table(result.metrics) + "Baseline: " + result.baseline + ".\n");
}

void add_data_options(CLI::App& command, EvalOptions& options) {
  command
      .add_option("--data", options.data,
                  "JSONL (plain or compressed) to evaluate on; sqa takes more (docs/eval.md); "
                  "code-search and types have bundled functions (default)")
      ->type_name("FILE");
  command
      .add_option("--fit", options.fit,
                  "Of mlm and lm: corpus for the baseline's table; all of --data is evaluated on "
                  "then, else its held-out packages")
      ->type_name("FILE");
  command
      .add_option("--length", options.length,
                  "Tokens of the pieces that texts are cut into, or that are read of a text")
      ->check(CLI::Range(int64_t{2}, int64_t{1} << 20))
      ->capture_default_str();
  command
      .add_option("--max-pieces", options.max_pieces,
                  "Of mlm and lm: draw this many pieces (default: all)")
      ->check(CLI::PositiveNumber);
  command
      .add_option("--split-seed", options.split_seed,
                  "Of mlm and lm: decides which packages are held out")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

}  // namespace

void require_same_tokenizer(const EvalModels& models) {
  if (!models.against || models.against->tokenizer->sha256() == models.own.tokenizer->sha256())
    return;
  fail(ExitCode::kMismatch,
       "--against {}: has another tokenizer than {}, so that other things "
       "would be asked of it",
       models.against->name, models.own.name);
}

void add_eval(CLI::App& app) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command =
      app.add_subcommand("eval", "Judge a model on a task, beside the strongest trivial answer");
  add_checkpoint(*command, options->checkpoint);
  command
      ->add_option("--task", options->task,
                   "mlm: masked tokens; lm: next tokens; code-search: functions by their "
                   "docstring; sqa: answers' code by the question's title; types: of parameters, "
                   "returns and variables")
      ->required()
      ->check(CLI::IsMember(tasks()));
  add_data_options(*command, *options);
  command
      ->add_option("--against", options->against,
                   "Another checkpoint, judged on the same items: what is the difference?")
      ->type_name("PATH");
  command->add_option("--seed", options->seed, "Seed of masks, draws and intervals")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--batch-tokens", options->batch_tokens, "Tokens that go through at once")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_device(*command, options->device);
  add_threads(*command, options->threads);
  add_report_output(*command, options->output);
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
