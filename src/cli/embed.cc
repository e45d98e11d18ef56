#include <algorithm>
#include <iostream>
#include <set>

#include "commands.h"
#include "device.h"
#include "embed_output.h"
#include "embed_rows.h"
#include "progress.h"
#include "report_output.h"
#include "ssmi/code/functions.h"
#include "ssmi/core/error.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/model/forward_rows.h"
#include "ssmi/model/model.h"
#include "ssmi/text/tokenizer.h"

namespace ssmi::cli {
namespace {

struct Options {
  std::string folder = kBundledModel, ids, data, text, field = "code", device = "cpu", out;
  std::vector<std::string> sites;
  std::vector<int64_t> layers;
  int64_t max_tokens = 2048;
  bool logits = false, attentions = false;
};

EmbedRows read_rows(const Options& options, const io::Checkpoint& checkpoint,
                    const model::ModelInfo& info, Progress& progress) {
  if (!options.ids.empty()) return rows_of_ids(options.ids);
  const auto tokenizer = text::load_tokenizer(checkpoint);
  std::vector<std::string> texts;
  if (options.data.empty()) {
    texts.push_back(options.text);
  } else {
    auto set = code::load_functions(options.data, options.field);
    note_left_out(set, progress);
    for (auto& function : set.functions)
      texts.push_back(std::move(function.code));
  }
  const int64_t most =
      info.max_tokens > 0 ? std::min(options.max_tokens, info.max_tokens) : options.max_tokens;
  return rows_of_texts(texts, *tokenizer, most, progress);
}

/// What the tensors of a site that is per block are called, before the block.
std::string_view file_name(model::Site site) {
  if (site == model::Site::kBlockOutput) return "hidden_states";
  if (site == model::Site::kAttentionProbs) return "attentions";
  return model::info(site).name;
}

EmbedNames wanted(const Options& options, const model::ModelInfo& info) {
  using model::Site;
  EmbedNames names;
  const std::set<Site> known(info.sites.begin(), info.sites.end());
  std::vector<int64_t> layers = options.layers;
  if (layers.empty()) {
    for (int64_t layer = 0; layer <= info.layers; ++layer)
      layers.push_back(layer);
    if (known.contains(Site::kFinalNorm)) names[{Site::kFinalNorm, 0}] = "final_norm";
  }
  const auto check = [&](Site site) {
    if (known.contains(site)) return;
    fail(ExitCode::kMismatch, "a {} has no site '{}'", info.architecture, model::info(site).name);
  };
  for (const int64_t layer : layers) {
    if (layer < 0 || layer > info.layers) {
      fail(ExitCode::kMismatch, "layer {}: the model has layers 0 (embedding) to {}", layer,
           info.layers);
    }
    names[model::hidden_state(layer)] = fmt::format("hidden_states.{}", layer);
  }
  std::vector<std::string> sites = options.sites;
  if (options.attentions) sites.emplace_back(model::info(Site::kAttentionProbs).name);
  for (const std::string& name : sites) {
    const auto site = model::site_named(name);
    if (!site) fail(ExitCode::kUsage, "--sites: '{}' is not a site; see docs/embed.md", name);
    check(*site);
    if (!model::info(*site).per_block) {
      names[{*site, 0}] = *site == Site::kEmbedding ? "hidden_states.0" : name;
      continue;
    }
    for (const int64_t layer : layers) {
      if (layer == 0) continue;
      names[{*site, layer}] = fmt::format("{}.{}", file_name(*site), layer);
    }
  }
  if (options.logits) {
    check(Site::kLogits);
    names[{Site::kLogits, 0}] = "logits";
  }
  return names;
}

void run(const Options& options) {
  catch_signals();
  StderrProgress progress(false);
  const auto checkpoint = io::open_checkpoint(resolve_model(options.folder));
  const auto takes = options.logits ? model::ParameterFilter{} : model::is_of_body;
  const at::Device device = device_named(options.device);
  const auto [model, notes] = model::load_model(checkpoint, takes);
  model->move(device);
  note_all(notes, progress);
  check_output(options.out, checkpoint);
  for (const std::string& read : {options.ids, options.data})
    check_output(options.out, read);
  const auto names = wanted(options, model->info());
  const EmbedRows rows = read_rows(options, checkpoint, model->info(), progress);
  if (rows.size() == 0) bad_input("nothing to embed: no row with a token");
  const auto embed = options.data.empty() ? embed_padded : embed_packed;
  const size_t tensors = embed(*model, rows, names, options.out, progress);
  std::cout << fmt::format("{}: {} tensors of {} rows\n", options.out, tensors, rows.size());
}

}  // namespace

void add_embed(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("embed", "Write hidden states (and other sites) as safetensors");
  add_checkpoint(*command, options->folder);
  auto* input = command->add_option_group("input", "One of");
  input->add_option("--ids", options->ids, "safetensors with input_ids and perhaps attention_mask")
      ->type_name("FILE");
  input->add_option("--data", options->data, "JSONL (plain or compressed), source file or folder")
      ->type_name("FILE");
  input->add_option("--text", options->text, "The text itself");
  input->require_option(1);
  command->add_option("--field", options->field, "Field of the JSONL rows")->capture_default_str();
  command->add_option("--layers", options->layers, "Layers, 0 is the embedding (default: all)")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--sites", options->sites, "More points of the pass, at those layers")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--max-tokens", options->max_tokens, "Longer texts are left out")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--logits", options->logits, "Also what the head gives");
  command->add_flag("--attentions", options->attentions,
                    "Also attention probabilities, at those layers");
  add_device(*command, options->device);
  command->add_option("--out", options->out, "File to write")->required()->type_name("FILE");
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
