#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <memory>

#include "commands.h"
#include "progress.h"
#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/task/embedding.h"
#include "ssmi/text/tokenizer.h"
#include "ssmi/train/loop.h"

namespace ssmi::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string model, task, config, data, out;
  std::vector<std::string> values;
  int64_t classes = 40;
  bool from_scratch = false, resume = false, quiet = false;
  int threads = 0;
};

constexpr uint64_t kMaxConfig = 1 << 20;
constexpr uint64_t kMaxTokenizer = uint64_t{256} << 20;

/// The checkpoint that is trained further.
struct Origin {
  io::Checkpoint checkpoint;
  std::unique_ptr<text::Tokenizer> tokenizer;
  std::string tokenizer_file;
};

Origin open_origin(const Options& options) {
  io::Checkpoint checkpoint = io::open_checkpoint(resolve_model(options.model));
  auto tokenizer = text::load_tokenizer(checkpoint);
  const fs::path file = checkpoint.folder / "tokenizer.json";
  std::string text = fs::exists(file) ? read_file(file, kMaxTokenizer) : "";
  if (text.empty() && !checkpoint.config.contains("tokenizer")) {
    fail(ExitCode::kMismatch, "{}: has no tokenizer.json, which a fine-tuned checkpoint needs",
         checkpoint.folder.string());
  }
  return {std::move(checkpoint), std::move(tokenizer), std::move(text)};
}

/// "CodeSSM" of "CodeSSMForMaskedLM".
std::string family(const Json& config, const std::string& where) {
  const JsonObject object(config, where);
  const Json names = config.contains("architectures") ? object.at("architectures") : Json();
  const std::string name = names.is_array() && names.size() == 1 && names[0].is_string()
                               ? names[0].get<std::string>()
                               : "";
  for (const std::string_view end : {"For", "LMHeadModel", "Model"}) {
    if (const size_t at = name.find(end); at != name.npos && at > 0) return name.substr(0, at);
  }
  return "Any";
}

/// The config of the model that the task needs: the checkpoint's with another head.
Json config_of(const Options& options, const Origin& origin) {
  Json config = origin.checkpoint.config;
  const std::string name = family(config, origin.checkpoint.config_path.string());
  config.erase("num_labels");
  if (options.task == "types") {
    config["architectures"] = {name + "ForTokenClassification"};
    Json labels = Json::object();
    for (const std::string& label : task::frequent_types(options.data, options.classes))
      labels[std::to_string(labels.size())] = label;
    config["id2label"] = labels;
    config.erase("label2id");
  } else if (options.task == "code-search") {
    config["architectures"] = {name + "Model"};
  }
  return config;
}

/// Random weights, and over them those of the checkpoint, but for a head that it does not have.
std::unique_ptr<model::Model> filled_model(const Options& options, const Origin& origin,
                                           const train::TrainConfig& config) {
  auto model = model::make_model(config.model, options.config);
  model::initialise(*model, config.seed);
  if (options.from_scratch) return model;
  const bool same_head = config.model == origin.checkpoint.config;
  const model::Loaded loaded = model::load_model(
      origin.checkpoint, same_head ? model::ParameterFilter() : model::is_of_body);
  std::map<std::string, at::Tensor> stored;
  loaded.model->visit([&](const model::Parameter& parameter, at::Tensor& tensor) {
    stored[parameter.name] = tensor;
  });
  model::visit_distinct(*model, [&](const model::Parameter& parameter, at::Tensor& tensor) {
    if (parameter.head && !same_head) return;
    const auto found = stored.find(parameter.name);
    if (found == stored.end() || !found->second.defined()) {
      fail(ExitCode::kMismatch, "{}: has no '{}'", options.model, parameter.name);
    }
    tensor.copy_(found->second);
  });
  return model;
}

/// A task's work, and the hash of its data.
struct Prepared {
  train::Work work;
  std::string data_sha256;
};

train::TokenPairs token_pairs(const task::SearchPairs& pairs, const text::Tokenizer& tokenizer,
                              int64_t length) {
  train::TokenPairs tokens;
  for (size_t i = 0; i < pairs.size(); ++i) {
    auto query = task::first_tokens(tokenizer, pairs.queries[i], length);
    auto code = task::first_tokens(tokenizer, pairs.codes[i], length);
    if (query.empty() || code.empty()) continue;
    tokens.queries.push_back(std::move(query));
    tokens.codes.push_back(std::move(code));
  }
  return tokens;
}

Prepared prepare(const Options& options, const Origin& origin, const train::TrainConfig& config,
                 task::TokenCorpus& corpus, Progress& progress) {
  const text::Tokenizer& tokenizer = *origin.tokenizer;
  switch (config.objective) {
    case train::Objective::kTypes: {
      std::vector<std::string> labels;
      for (const auto& [id, label] : config.model.at("id2label").items())
        labels.push_back(label.get<std::string>());
      auto data = task::read_types(options.data, tokenizer, labels, config.length);
      return {train::types_work(config, std::move(data.functions)), data.sha256};
    }
    case train::Objective::kCodeSearch: {
      const auto pairs = task::read_search_pairs(options.data);
      return {train::search_work(config, token_pairs(pairs, tokenizer, config.length)),
              pairs.sha256};
    }
    case train::Objective::kMaskedTokens:
    case train::Objective::kNextToken:
      break;
  }
  corpus = task::read_corpus(options.data, tokenizer, {}, progress);
  return {train::token_work(config, corpus, tokenizer), corpus.sha256};
}

void run(const Options& options) {
  catch_signals();
  if (options.threads > 0) at::set_num_threads(options.threads);
  StderrProgress progress(options.quiet);
  const Origin origin = open_origin(options);
  Json json = parse_json(read_file(options.config, kMaxConfig), options.config);
  if (!json.is_object()) bad_input("{}: expected a JSON object", options.config);
  json["model"] = config_of(options, origin);
  json["objective"] = options.task;
  train::set_values(json, options.values);
  const train::TrainConfig config = train::read_train_config(json, options.config);
  const auto model = filled_model(options, origin, config);
  task::TokenCorpus corpus;
  const Prepared prepared = prepare(options, origin, config, corpus, progress);
  const train::RunFolder folder(options.out,
                                {{"config", json},
                                 {"from", options.from_scratch ? Json() : Json(options.model)},
                                 {"tokenizer_sha256", origin.tokenizer->sha256()},
                                 {"data_sha256", prepared.data_sha256}});
  if (options.resume && !folder.newest()) {
    fail(ExitCode::kMismatch, "--resume: {} holds no checkpoint to go on from", options.out);
  }
  train::train(config, prepared.work, {config.model, origin.tokenizer_file}, folder, *model,
               progress);
}

}  // namespace

void add_finetune(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("finetune", "Train a checkpoint further, for a task");
  command->add_option("model", options->model, "Checkpoint folder, or the name of a known one")
      ->required()
      ->type_name("PATH");
  command->add_option("--task", options->task, "What to train it for")
      ->required()
      ->check(CLI::IsMember({"mlm", "lm", "types", "code-search"}));
  command->add_option("--config", options->config, "How (configs/finetune/*.json)")
      ->required()
      ->type_name("FILE");
  command->add_option("--data", options->data, "JSON Lines, also .xz: docs/train.md says with what")
      ->required()
      ->type_name("FILE");
  command->add_option("--out", options->out, "Folder of the run")->required()->type_name("DIR");
  command->add_option("--set", options->values, "Put a value over one of the configuration's")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command->add_option("--classes", options->classes, "types: how many have a class of their own")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_flag("--from-scratch", options->from_scratch,
                    "Random weights instead of the checkpoint's: the control of what it knew");
  command->add_flag("--resume", options->resume, "An error where there is nothing to go on from");
  command->add_option("--threads", options->threads, "Threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--quiet", options->quiet, "No progress");
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
