#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <map>
#include <set>

#include "commands.h"
#include "progress.h"
#include "ssmi/code/functions.h"
#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/model/forward_rows.h"
#include "ssmi/model/model.h"
#include "ssmi/text/tokenizer.h"

namespace ssmi::cli {
namespace {

struct Options {
  std::string folder, ids, data, text, field = "code", out;
  std::vector<std::string> sites;
  std::vector<int64_t> layers;
  int64_t max_tokens = 2048;
  bool logits = false, attentions = false;
};

/// Rows of ids and where each starts in its padded row of `width` columns.
struct Rows {
  std::vector<std::vector<int64_t>> ids;
  std::vector<int64_t> start;
  int64_t width = 0;
};

/// A [B, T] tensor of int64 (or int32) from a file of ids.
at::Tensor integer_matrix(const io::TensorView& view, const std::string& what) {
  const bool wide = view.dtype == io::Dtype::kI64;
  if ((!wide && view.dtype != io::Dtype::kI32) || view.shape.size() != 2) {
    bad_input("{}: expected [B, T] of I64 or I32, found {} with {} dimensions", what,
              io::dtype_name(view.dtype), view.shape.size());
  }
  at::Tensor copy = at::zeros(view.shape, wide ? at::kLong : at::kInt);
  std::memcpy(copy.data_ptr(), view.data.data(), view.data.size());
  return copy.to(at::kLong);
}

/// The tokens of a row where the mask is 1: one run, padded left or right.
void add_masked_row(const std::string& where, const int64_t* ids, const int64_t* mask, Rows& rows) {
  const int64_t* first = std::find_if(mask, mask + rows.width, [](int64_t m) { return m != 0; });
  const int64_t* last = std::find(first, mask + rows.width, 0);
  if (std::any_of(last, mask + rows.width, [](int64_t m) { return m != 0; })) {
    bad_input("{}: row {} of attention_mask has a hole; only left or right padding can be masked",
              where, rows.ids.size());
  }
  if (first == last) {
    bad_input("{}: row {} has no token", where, rows.ids.size());
  }
  rows.start.push_back(first - mask);
  rows.ids.emplace_back(ids + (first - mask), ids + (last - mask));
}

Rows rows_of_ids(const std::string& path) {
  const auto file = io::open_safetensors(path);
  const auto find = [&](const char* name) {
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end()) bad_input("{}: no tensor '{}'", path, name);
    return integer_matrix(found->second, path + ": " + name);
  };
  const at::Tensor ids = find("input_ids");
  const at::Tensor mask =
      file.tensors.contains("attention_mask") ? find("attention_mask") : at::ones_like(ids);
  if (mask.sizes() != ids.sizes()) {
    bad_input("{}: input_ids and attention_mask differ in shape", path);
  }
  Rows rows;
  rows.width = ids.size(1);
  for (int64_t row = 0; row < ids.size(0); ++row) {
    add_masked_row(path, ids.const_data_ptr<int64_t>() + row * rows.width,
                   mask.const_data_ptr<int64_t>() + row * rows.width, rows);
  }
  return rows;
}

Rows rows_of_texts(const std::vector<std::string>& texts, const text::Tokenizer& tokenizer,
                   int64_t max_tokens, Progress& progress) {
  Rows rows;
  for (const std::string& text : texts) {
    auto ids = tokenizer.encode(text).ids;
    const auto length = static_cast<int64_t>(ids.size());
    if (length == 0 || length > max_tokens) continue;
    rows.width = std::max(rows.width, length);
    rows.ids.push_back(std::move(ids));
    rows.start.push_back(0);
  }
  if (rows.ids.size() < texts.size()) {
    progress.note(fmt::format("embed: {} of {} functions left out: empty or more than {} tokens",
                              texts.size() - rows.ids.size(), texts.size(), max_tokens));
  }
  return rows;
}

Rows read_rows(const Options& options, const io::Checkpoint& checkpoint, Progress& progress) {
  if (!options.ids.empty()) return rows_of_ids(options.ids);
  const auto tokenizer = text::load_tokenizer(checkpoint.folder, checkpoint.config);
  std::vector<std::string> texts;
  if (options.data.empty()) {
    texts.push_back(options.text);
  } else {
    auto set = code::load_functions(options.data, options.field);
    note_left_out(set, progress);
    for (auto& function : set.functions) {
      texts.push_back(std::move(function.code));
    }
  }
  return rows_of_texts(texts, *tokenizer, options.max_tokens, progress);
}

/// What to keep, and under which name.
using Names = std::map<std::pair<model::Site, int64_t>, std::string>;

Names wanted(const Options& options, const model::ModelInfo& info) {
  using model::Site;
  Names names;
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
  for (const std::string& name : options.sites) {
    const auto site = model::site_named(name);
    if (!site) fail(ExitCode::kUsage, "--sites: '{}' is not a site; see docs/embed.md", name);
    check(*site);
    if (!model::info(*site).per_block) {
      names[{*site, 0}] = *site == Site::kEmbedding ? "hidden_states.0" : name;
      continue;
    }
    for (const int64_t layer : layers) {
      if (layer == 0) continue;
      names[{*site, layer}] = *site == Site::kBlockOutput ? fmt::format("hidden_states.{}", layer)
                                                          : fmt::format("{}.{}", name, layer);
    }
  }
  if (options.attentions) check(Site::kAttentionProbs);
  if (options.logits) {
    check(Site::kLogits);
    names[{Site::kLogits, 0}] = "logits";
  }
  return names;
}

io::TensorBytes bytes_of(const std::string& name, const at::Tensor& tensor) {
  return {name,
          tensor.scalar_type() == at::kLong ? io::Dtype::kI64 : io::Dtype::kF32,
          tensor.sizes().vec(),
          {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}};
}

/// The padded ids and the mask that says which are tokens, [B, T].
void add_ids(const Rows& rows, std::map<std::string, at::Tensor>& outputs) {
  const auto count = static_cast<int64_t>(rows.ids.size());
  at::Tensor ids = at::zeros({count, rows.width}, at::kLong);
  at::Tensor mask = at::zeros({count, rows.width}, at::kLong);
  for (size_t row = 0; row < rows.ids.size(); ++row) {
    const int64_t at = static_cast<int64_t>(row) * rows.width + rows.start[row];
    std::copy(rows.ids[row].begin(), rows.ids[row].end(), ids.data_ptr<int64_t>() + at);
    std::fill_n(mask.data_ptr<int64_t>() + at, rows.ids[row].size(), 1);
  }
  outputs["input_ids"] = ids;
  outputs["attention_mask"] = mask;
}

/// What the outputs will take, as far as it is known before the pass: every site as wide as the
/// residual stream.
void note_size(const Rows& rows, size_t tensors, int64_t width, Progress& progress) {
  const double bytes = 4.0 * static_cast<double>(tensors) * static_cast<double>(rows.ids.size()) *
                       static_cast<double>(rows.width) * static_cast<double>(width);
  progress.note(fmt::format("embed: {} tensors of {} rows of {} tokens, about {:.0f} MB in memory",
                            tensors, rows.ids.size(), rows.width, bytes / 1e6));
}

/// Each wanted value of all rows, [B, T, width]; [B, width] of logits that are per row.
std::map<std::string, at::Tensor> computed(const model::Model& model, const Rows& rows,
                                           const Names& names, Progress& progress) {
  const auto count = static_cast<int64_t>(rows.ids.size());
  const bool logits_per_row = model.info().logits_per_row;
  std::map<std::string, at::Tensor> outputs;
  model::Points points;
  for (const auto& [point, name] : names)
    points.push_back(point);
  progress.begin("embed", "rows", rows.ids.size());
  constexpr int64_t kBatchTokens = 8192;
  const auto keep = [&](size_t row, model::Site site, int64_t layer, const at::Tensor& value) {
    at::Tensor& output = outputs[names.at({site, layer})];
    const bool per_row = logits_per_row && site == model::Site::kLogits;
    if (!output.defined()) {
      output = per_row ? at::zeros({count, value.size(1)}, at::kFloat)
                       : at::zeros({count, rows.width, value.size(1)}, at::kFloat);
    }
    const at::Tensor place = output[static_cast<int64_t>(row)];
    (per_row ? place.unsqueeze(0)
             : place.slice(0, rows.start[row], rows.start[row] + value.size(0)))
        .copy_(value);
  };
  model::forward_rows(model, rows.ids, points, kBatchTokens, keep,
                      [&](size_t done) { progress.advance(done); });
  progress.end();
  return outputs;
}

void run(const Options& options) {
  catch_signals();
  StderrProgress progress(false);
  const auto checkpoint = io::open_checkpoint(resolve_model(options.folder));
  const auto [model, notes] = model::load_model(checkpoint);
  note_all(notes, progress);
  const auto names = wanted(options, model->info());
  const Rows rows = read_rows(options, checkpoint, progress);
  if (rows.ids.empty()) bad_input("nothing to embed: no row with a token");

  note_size(rows, names.size(), model->info().hidden_size, progress);

  { const AtomicFile writable(options.out); }  // found out before the work, not after it
  const auto count = rows.ids.size();
  auto outputs = computed(*model, rows, names, progress);
  add_ids(rows, outputs);
  std::vector<io::TensorBytes> tensors;
  for (const auto& [name, tensor] : outputs)
    tensors.push_back(bytes_of(name, tensor));
  io::write_safetensors(options.out, tensors, {{"format", "pt"}});
  std::cout << fmt::format("{}: {} tensors of {} rows\n", options.out, tensors.size(), count);
}

}  // namespace

void add_embed(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("embed", "Write hidden states (and other sites) as safetensors");
  command
      ->add_option("checkpoint", options->folder, "Checkpoint folder, or the name of a known one")
      ->required()
      ->type_name("DIR");
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
  command->add_flag("--attentions", options->attentions, "Also attention probabilities");
  command->add_option("--out", options->out, "File to write")->required()->type_name("FILE");
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
