#include <ATen/Parallel.h>

#include "commands.h"
#include "progress.h"
#include "ssmi/core/error.h"
#include "ssmi/model/known_keys.h"
#include "ssmi/task/corpus.h"
#include "ssmi/text/tokenizer.h"
#include "training.h"

namespace ssmi::cli {
namespace {

namespace fs = std::filesystem;

struct Options : TrainingOptions {
  std::string tokenizer;
};

/// A tokenizer and its files, which each checkpoint gets a copy of.
struct Words {
  std::unique_ptr<text::Tokenizer> tokenizer;
  text::TextFiles files;
};

Words load_words(const Options& options, const Json& model) {
  if (options.tokenizer.empty()) {
    if (!model.contains("tokenizer")) {
      fail(ExitCode::kUsage, "--tokenizer is needed: the model's configuration names no tokenizer");
    }
    return {text::load_tokenizer(fs::path(options.config).parent_path(), model), {}};
  }
  fs::path folder = options.tokenizer;
  if (folder.filename() == "tokenizer.json") folder = fs::absolute(folder).parent_path();
  if (!fs::is_directory(folder)) {
    fail(ExitCode::kUsage, "--tokenizer {}: expected a tokenizer.json or a folder with a tokenizer",
         options.tokenizer);
  }
  return {text::load_tokenizer(folder, Json::object()), text::read_tokenizer_files(folder)};
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
  Json json = read_training_json(options);
  train::set_values(json, options.values);
  train::TrainConfig config = train::read_train_config(json, options.config);
  if (config.objective != train::Objective::kMaskedTokens &&
      config.objective != train::Objective::kNextToken) {
    fail(ExitCode::kUsage, "{}: ssmi train has the objectives mlm and lm; others are for finetune",
         options.config);
  }
  const Words words = load_words(options, config.model);
  fit_vocabulary(config.model, *words.tokenizer, options.config);
  model::refuse_unknown_keys(config.model, options.config + ": model");
  const auto model = new_model(options, config);
  const task::TokenCorpus corpus = task::read_corpus(options.data, *words.tokenizer, {}, progress);
  progress.note(fmt::format("{} of {} parameters, {} tokens to train on, {} held out",
                            model->info().architecture, model::parameter_count(*model),
                            corpus.training.ids.size(), corpus.validation.ids.size()));
  run_training(options,
               {{"config", json},
                {"tokenizer_sha256", words.tokenizer->sha256()},
                {"data_sha256", corpus.sha256}},
               config, train::token_work(config, corpus, *words.tokenizer, *model),
               {config.model, words.files}, *model, progress);
}

}  // namespace

void add_train(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("train", "Train a model on a corpus of code");
  add_training_options(*command, *options);
  command
      ->add_option("--tokenizer", options->tokenizer,
                   "tokenizer.json, or a folder with a tokenizer")
      ->type_name("PATH");
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
