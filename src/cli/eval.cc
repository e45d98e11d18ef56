#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <optional>

#include "commands.h"
#include "device.h"
#include "progress.h"
#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/model/model.h"
#include "ssmi/report/eval_report.h"
#include "ssmi/report/run.h"
#include "ssmi/task/corpus.h"
#include "ssmi/task/evaluate_tokens.h"

namespace ssmi::cli {
namespace {

struct Options {
  std::string checkpoint, task, data, fit, device = "cpu", out;
  int64_t length = 256, max_pieces = 0, batch_tokens = 4096;
  uint64_t seed = 1, split_seed = 0;
  int threads = 0;
  bool json = false, quiet = false;
};

struct Opened {
  io::Checkpoint checkpoint;
  std::unique_ptr<model::Model> model;
  std::unique_ptr<text::Tokenizer> tokenizer;
};

Opened open_model(const Options& options, Progress& progress) {
  Opened opened{io::open_checkpoint(resolve_model(options.checkpoint)), nullptr, nullptr};
  auto [model, notes] = model::load_model(opened.checkpoint);
  note_all(notes, progress);
  opened.model = std::move(model);
  opened.model->move(device_named(options.device));
  opened.tokenizer = text::load_tokenizer(opened.checkpoint);
  return opened;
}

/// What a task's evaluation adds to the report.
struct Result {
  Json data, metrics;
  std::string baseline;  ///< what it is, in words
};

/// The documents to evaluate on and those that the baseline counts.
struct Material {
  task::TokenCorpus corpus;
  std::optional<task::TokenCorpus> fit;

  const task::Documents& judged() const { return fit ? corpus.training : corpus.validation; }
  const task::Documents& counted() const { return fit ? fit->training : corpus.training; }
};

Material read_material(const Options& options, const text::Tokenizer& tokenizer,
                       Progress& progress) {
  task::CorpusOptions reading;
  reading.split_seed = options.split_seed;
  if (options.fit.empty()) {
    Material material{task::read_corpus(options.data, tokenizer, reading, progress), {}};
    if (material.judged().size() > 0) return material;
    fail(ExitCode::kMismatch,
         "{}: has a single package, so that none can be held out; name a corpus for the baseline "
         "by --fit to evaluate on all of it",
         options.data);
  }
  const task::CorpusOptions all{.hold_out = false, .split_seed = 0, .excluded = {}};
  return {task::read_corpus(options.data, tokenizer, all, progress),
          task::read_corpus(options.fit, tokenizer, reading, progress)};
}

/// As many pieces as were asked for, drawn, in their order.
std::vector<task::Piece> drawn_pieces(const Options& options, const task::Documents& documents) {
  std::vector<task::Piece> pieces = task::pieces(documents, options.length);
  const auto most = static_cast<size_t>(options.max_pieces);
  if (most == 0 || pieces.size() <= most) return pieces;
  std::vector<size_t> order(pieces.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  Random random(options.seed, "pieces");
  random.shuffle(std::span(order));
  order.resize(most);
  std::ranges::sort(order);
  std::vector<task::Piece> drawn;
  for (const size_t i : order)
    drawn.push_back(std::move(pieces[i]));
  return drawn;
}

void check_length(const Options& options, const model::ModelInfo& info) {
  if (info.max_tokens == 0 || options.length <= info.max_tokens) return;
  fail(ExitCode::kMismatch, "--length {}: the model has positions for {} tokens", options.length,
       info.max_tokens);
}

Json corpus_object(const Material& material, const std::vector<task::Piece>& pieces) {
  const task::Documents& judged = material.judged();
  Json data{{"rows", material.corpus.rows},
            {"rows_excluded", material.corpus.excluded},
            {"rows_empty", material.corpus.empty},
            {"documents", judged.size()},
            {"tokens", judged.ids.size()},
            {"pieces", pieces.size()},
            {"held_out", material.corpus.held_out},
            {"sha256", material.corpus.sha256},
            {"baseline_tokens", material.counted().ids.size()}};
  data["baseline_sha256"] = material.fit ? Json(material.fit->sha256) : Json(nullptr);
  return data;
}

/// --task mlm and lm.
Result judge_tokens(const Options& options, const Opened& opened, Progress& progress) {
  using task::NeighbourTable;
  const bool masked = options.task == "mlm";
  const int64_t vocab = opened.tokenizer->vocab_size();
  check_length(options, opened.model->info());
  std::optional<task::Masking> masking;
  if (masked) masking.emplace(task::special_tokens(*opened.tokenizer), vocab);
  const Material material = read_material(options, *opened.tokenizer, progress);
  const auto pieces = drawn_pieces(options, material.judged());
  if (pieces.empty()) bad_input("{}: no text of at least two tokens", options.data);
  if (!masked) task::require_causal(*opened.model, pieces.front().ids);

  const NeighbourTable table(material.counted().ids,
                             masked ? NeighbourTable::kAround : NeighbourTable::kBefore, vocab);
  const task::TokenTask how{masked ? &*masking : nullptr, options.seed, options.batch_tokens};
  const auto scores = task::evaluate_tokens(*opened.model, pieces, how, vocab, &table, progress);
  const auto metric = [&](const auto& measure, const char* stream) {
    Random random(options.seed, fmt::format("bootstrap/{}", stream)), unused = random;
    task::Metric metric = measure(scores.model, random);
    metric.baseline = measure(scores.baseline, unused).value;
    return report::metric(metric);
  };
  const std::string accuracy = masked ? "masked_accuracy" : "accuracy";
  Result result{corpus_object(material, pieces), Json::object(), {}};
  result.metrics[accuracy] = metric(task::token_accuracy, "accuracy");
  result.metrics["perplexity"] = metric(task::perplexity, "perplexity");
  result.baseline =
      masked ? "table of the tokens left and right" : "table of the two tokens before";
  return result;
}

Json run_object(const Options& options, const Opened& opened) {
  Json run = report::run_environment(options.device);
  run["seed"] = options.seed;
  run["config"] = {{"task", options.task},
                   {"length", options.length},
                   {"max_pieces", options.max_pieces},
                   {"split_seed", options.split_seed},
                   {"batch_tokens", options.batch_tokens}};
  run["checkpoint"] = {{"name", options.checkpoint},
                       {"architecture", opened.model->info().architecture},
                       {"sha256", io::checkpoint_sha256(opened.checkpoint)},
                       {"tokenizer_sha256", opened.tokenizer->sha256()}};
  return run;
}

void run(const Options& options) {
  catch_signals();
  const report::Timing timing;
  StderrProgress progress(options.quiet);
  if (options.threads > 0) at::set_num_threads(options.threads);
  const Opened opened = open_model(options, progress);
  if (!options.out.empty()) check_output(options.out, opened.checkpoint);
  const Result result = judge_tokens(options, opened, progress);
  const Json report{{"schema", "ssmi/eval/1"},   {"run", run_object(options, opened)},
                    {"data", result.data},       {"baseline", result.baseline},
                    {"metrics", result.metrics}, {"timing", timing.json()}};
  if (!options.out.empty()) write_file(options.out, to_text(report, 1) + "\n");
  if (options.json) {
    std::cout << to_text(report, 1) << '\n';
  } else if (!options.quiet) {
    std::cout << report::metric_table(result.metrics) << "Baseline: " << result.baseline << ".\n";
    if (!options.out.empty()) std::cout << "Report: " << options.out << '\n';
  }
}

void add_data_options(CLI::App& command, Options& options) {
  command.add_option("--data", options.data, "JSONL (plain or compressed) to evaluate on")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--fit", options.fit,
                  "Corpus for the baseline's table; all of --data is evaluated on then, else its "
                  "held-out packages")
      ->type_name("FILE");
  command.add_option("--length", options.length, "Tokens of the pieces that texts are cut into")
      ->check(CLI::Range(int64_t{2}, int64_t{1} << 20))
      ->capture_default_str();
  command.add_option("--max-pieces", options.max_pieces, "Draw this many pieces (default: all)")
      ->check(CLI::PositiveNumber);
  command.add_option("--split-seed", options.split_seed, "Decides which packages are held out")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

}  // namespace

void add_eval(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("eval", "Judge a model on a task, beside the strongest trivial answer");
  command
      ->add_option("checkpoint", options->checkpoint,
                   "Checkpoint folder, weight file, or the name of a known one")
      ->required()
      ->type_name("PATH");
  command->add_option("--task", options->task, "mlm: masked tokens; lm: next tokens")
      ->required()
      ->check(CLI::IsMember({"mlm", "lm"}));
  add_data_options(*command, *options);
  command->add_option("--seed", options->seed, "Seed of masks, draws and intervals")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--batch-tokens", options->batch_tokens, "Tokens that go through at once")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_device(*command, options->device);
  command->add_option("--threads", options->threads, "Threads (default: all cores)")
      ->check(CLI::PositiveNumber);
  command->add_option("--out", options->out, "Report to write (JSON)")->type_name("FILE");
  command->add_flag("--json", options->json, "Print the report");
  command->add_flag("--quiet", options->quiet, "Print nothing but errors");
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
