#include <ATen/Parallel.h>

#include <memory>

#include "commands.h"
#include "progress.h"
#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/task/corpus.h"
#include "ssmi/text/tokenizer.h"
#include "ssmi/train/loop.h"

namespace ssmi::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string config, data, tokenizer, out;
  std::vector<std::string> values;
  bool resume = false, quiet = false;
  int threads = 0;
};

constexpr uint64_t kMaxConfig = 1 << 20;
constexpr uint64_t kMaxTokenizer = uint64_t{256} << 20;

/// A tokenizer and the text of its file, which each checkpoint gets a copy of.
struct Words {
  std::unique_ptr<text::Tokenizer> tokenizer;
  std::string file;
};

Words load_words(const Options& options, const Json& model) {
  if (options.tokenizer.empty()) {
    if (!model.contains("tokenizer")) {
      fail(ExitCode::kUsage, "--tokenizer is needed: the model's configuration names no tokenizer");
    }
    return {text::load_tokenizer(fs::path(options.config).parent_path(), model), ""};
  }
  fs::path path = options.tokenizer;
  if (fs::is_directory(path)) path /= "tokenizer.json";
  if (path.filename() != "tokenizer.json") {
    fail(ExitCode::kUsage, "--tokenizer {}: expected a tokenizer.json or its folder",
         options.tokenizer);
  }
  std::string file = read_file(path, kMaxTokenizer);
  return {text::load_tokenizer(path.has_parent_path() ? path.parent_path() : ".", Json::object()),
          std::move(file)};
}

/// Gives the model the tokenizer's vocabulary, or checks that it has it.
void fit_vocabulary(Json& model, const text::Tokenizer& tokenizer, const std::string& where) {
  if (!model.contains("vocab_size")) model["vocab_size"] = tokenizer.vocab_size();
  const int64_t size = JsonObject(model, where).integer("vocab_size", 1, INT64_MAX);
  if (size < tokenizer.vocab_size()) {
    fail(ExitCode::kMismatch, "{}: 'vocab_size' is {}, but the tokenizer has {} tokens", where,
         size, tokenizer.vocab_size());
  }
}

void run(const Options& options) {
  catch_signals();
  if (options.threads > 0) at::set_num_threads(options.threads);
  StderrProgress progress(options.quiet);
  Json json = parse_json(read_file(options.config, kMaxConfig), options.config);
  train::set_values(json, options.values);
  train::TrainConfig config = train::read_train_config(json, options.config);
  if (config.objective != train::Objective::kMaskedTokens &&
      config.objective != train::Objective::kNextToken) {
    fail(ExitCode::kUsage, "{}: ssmi train has the objectives mlm and lm; others are for finetune",
         options.config);
  }
  const Words words = load_words(options, config.model);
  fit_vocabulary(config.model, *words.tokenizer, options.config);
  const auto model = model::make_model(config.model, options.config);
  const task::TokenCorpus corpus = task::read_corpus(options.data, *words.tokenizer, {}, progress);
  const train::RunFolder folder(options.out, {{"config", json},
                                              {"tokenizer_sha256", words.tokenizer->sha256()},
                                              {"data_sha256", corpus.sha256}});
  if (options.resume && !folder.newest()) {
    fail(ExitCode::kMismatch, "--resume: {} holds no checkpoint to go on from", options.out);
  }
  model::initialise(*model, config.seed);
  progress.note(fmt::format("{} of {} parameters, {} tokens to train on, {} held out",
                            model->info().architecture, model::parameter_count(*model),
                            corpus.training.ids.size(), corpus.validation.ids.size()));
  train::train(config, train::token_work(config, corpus, *words.tokenizer),
               {config.model, words.file}, folder, *model, progress);
}

}  // namespace

void add_train(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("train", "Train a model on a corpus of code");
  command->add_option("--config", options->config, "What to train and how (configs/train/*.json)")
      ->required()
      ->type_name("FILE");
  command->add_option("--data", options->data, "Corpus: JSON Lines with a text or code, also .xz")
      ->required()
      ->type_name("FILE");
  command->add_option("--tokenizer", options->tokenizer, "tokenizer.json, or a folder with one")
      ->type_name("PATH");
  command->add_option("--out", options->out, "Folder of the run")->required()->type_name("DIR");
  command->add_option("--set", options->values, "Put a value over one of the configuration's")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command->add_flag("--resume", options->resume,
                    "Go on from the newest checkpoint (done anyway where there is one); an error "
                    "where there is none");
  command->add_option("--threads", options->threads, "Threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--quiet", options->quiet, "No progress");
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
