#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <map>

#include "commands.h"
#include "progress.h"
#include "ssmi/core/error.h"
#include "ssmi/task/embedding.h"
#include "ssmi/task/search_pairs.h"
#include "ssmi/text/tokenizer.h"
#include "ssmi/train/centre.h"
#include "training.h"

namespace ssmi::cli {
namespace {

struct Options : TrainingOptions {
  std::string model, task;
  int64_t classes = 40;
  bool from_scratch = false;
};

/// Whether the head is the checkpoint's own.
bool keeps_head(const Options& options) {
  return options.task == "mlm" || options.task == "lm";
}

/// The checkpoint that is trained further.
struct Origin {
  io::Checkpoint checkpoint;
  std::unique_ptr<text::Tokenizer> tokenizer;
  text::TextFiles tokenizer_files;
};

Origin open_origin(const Options& options) {
  io::Checkpoint checkpoint = io::open_checkpoint(resolve_model(options.model));
  auto tokenizer = text::load_tokenizer(checkpoint);
  if (checkpoint.tokenizer_path != checkpoint.folder) {
    fail(ExitCode::kMismatch,
         "{}: its tokenizer is in the GGUF file; a fine-tuned checkpoint needs a tokenizer.json",
         options.model);
  }
  auto files = text::read_tokenizer_files(checkpoint.folder);
  return {std::move(checkpoint), std::move(tokenizer), std::move(files)};
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
  for (const char* key : {"torch_dtype", "dtype"}) {
    if (config.contains(key)) config[key] = "float32";
  }
  const std::string name = family(config, origin.checkpoint.config_path.string());
  if (keeps_head(options)) return config;
  config.erase("num_labels");
  config.erase("id2label");
  config.erase("label2id");
  if (options.task == "types") {
    config["architectures"] = {name + "ForTokenClassification"};
    Json labels = Json::object();
    for (const std::string& label :
         task::frequent_types(options.data, options.classes, task::bundled_packages()))
      labels[std::to_string(labels.size())] = label;
    config["num_labels"] = labels.size();
    config["id2label"] = labels;
  } else {
    config["architectures"] = {name + "Model"};
  }
  return config;
}

/// Random weights, and over them those of the checkpoint, but for a head that it does not have.
std::unique_ptr<model::Model> filled_model(const Options& options, const Origin& origin,
                                           const train::TrainConfig& config) {
  auto model = new_model(options, config);
  if (options.from_scratch) return model;
  const bool with_head = keeps_head(options);
  const model::Loaded loaded = model::load_model(
      origin.checkpoint, with_head ? model::ParameterFilter() : model::is_of_body);
  std::map<std::string, at::Tensor> stored;
  loaded.model->visit([&](const model::Parameter& parameter, at::Tensor& tensor) {
    stored[parameter.name] = tensor;
  });
  model::visit_distinct(*model, [&](const model::Parameter& parameter, at::Tensor& tensor) {
    if (parameter.head && !with_head) return;
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

/// The work of finding codes. The model's embeddings are centred before it begins.
Prepared prepare_search(const task::SearchPairs& pairs, const text::Tokenizer& tokenizer,
                        const train::TrainConfig& config, model::Model& model) {
  train::TokenPairs tokens;
  for (size_t i = 0; i < pairs.size(); ++i) {
    auto query = task::first_tokens(tokenizer, pairs.queries[i], config.length);
    auto code = task::first_tokens(tokenizer, pairs.codes[i], config.length);
    if (query.empty() || code.empty()) continue;
    tokens.queries.push_back(std::move(query));
    tokens.codes.push_back(std::move(code));
  }
  constexpr size_t kCentred = 256;  // texts and codes each
  std::vector<std::vector<int64_t>> sample;
  const size_t every = std::max<size_t>(1, tokens.codes.size() / kCentred);
  for (size_t pair = 0; pair < tokens.codes.size() && sample.size() < 2 * kCentred; pair += every) {
    sample.push_back(tokens.queries[pair]);
    sample.push_back(tokens.codes[pair]);
  }
  train::centre_embeddings(model, sample);
  return {train::search_work(config, std::move(tokens)), pairs.sha256};
}

void note_bundled(const std::string& data, int64_t rows, Progress& progress) {
  if (rows == 0) return;
  progress.note(
      fmt::format("{}: left out {} rows of the packages that ssmi eval judges on", data, rows));
}

Prepared prepare(const Options& options, const Origin& origin, const train::TrainConfig& config,
                 model::Model& model, task::TokenCorpus& corpus, Progress& progress) {
  const text::Tokenizer& tokenizer = *origin.tokenizer;
  switch (config.objective) {
    case train::Objective::kTypes: {
      std::vector<std::string> labels;
      for (const auto& [id, label] : config.model.at("id2label").items())
        labels.push_back(label.get<std::string>());
      auto data = task::read_types(options.data, tokenizer, labels, config.length,
                                   task::bundled_packages());
      note_bundled(options.data, data.excluded, progress);
      progress.note(
          fmt::format("{} functions of {}, {} annotations; left out: {} whose name is not bound, "
                      "{} beyond 'length'",
                      data.functions.size(), data.rows, data.targets, data.unplaced, data.cut_off));
      return {train::types_work(config, std::move(data.functions),
                                static_cast<int64_t>(labels.size()), model),
              data.sha256};
    }
    case train::Objective::kCodeSearch: {
      const auto pairs = task::read_search_pairs(options.data, task::bundled_packages());
      note_bundled(options.data, pairs.excluded, progress);
      return prepare_search(pairs, tokenizer, config, model);
    }
    case train::Objective::kAnswers:
      return prepare_search(task::read_answers(options.data, progress), tokenizer, config, model);
    case train::Objective::kMaskedTokens:
    case train::Objective::kNextToken:
      break;
  }
  corpus = task::read_corpus(options.data, tokenizer, {}, progress);
  return {train::token_work(config, corpus, tokenizer, model), corpus.sha256};
}

void run(const Options& options) {
  catch_signals();
  if (options.threads > 0) at::set_num_threads(options.threads);
  StderrProgress progress(options.quiet);
  const Origin origin = open_origin(options);
  Json json = read_training_json(options);
  train::set_values(json, options.values);
  json["model"] = config_of(options, origin);
  json["objective"] = options.task;
  const train::TrainConfig config = train::read_train_config(json, options.config);
  const auto model = filled_model(options, origin, config);
  task::TokenCorpus corpus;
  const Prepared prepared = prepare(options, origin, config, *model, corpus, progress);
  const Json from = options.from_scratch ? Json() : Json(io::checkpoint_sha256(origin.checkpoint));
  run_training(options,
               {{"config", json},
                {"from_sha256", from},
                {"tokenizer_sha256", origin.tokenizer->sha256()},
                {"data_sha256", prepared.data_sha256}},
               config, prepared.work, {config.model, origin.tokenizer_files}, *model, progress);
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
      ->check(CLI::IsMember({"mlm", "lm", "types", "code-search", "sqa"}));
  add_training_options(*command, *options);
  command->add_option("--classes", options->classes, "types: how many have a class of their own")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_flag("--from-scratch", options->from_scratch,
                    "Random weights instead of the checkpoint's: the control of what it knew");
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
