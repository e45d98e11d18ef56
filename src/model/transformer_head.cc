#include "transformer_head.h"

#include <ATen/ops/layer_norm.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

namespace ssmi::model {
namespace {

at::Tensor rows_at(const at::Tensor& hidden, const std::vector<int64_t>& places) {
  return hidden.index_select(0, at::tensor(places, at::kLong).to(hidden.device()));
}

/// The first token of every row, [rows, D].
at::Tensor first_tokens(const at::Tensor& hidden, const Batch& batch) {
  return rows_at(hidden, {batch.offsets.begin(), batch.offsets.end() - 1});
}

/// The last token of every row that is not padding, [rows, D]; the first one where all of it is.
at::Tensor last_tokens(const at::Tensor& hidden, const Batch& batch, int64_t padding) {
  const at::Tensor ids = batch.ids.cpu().contiguous();
  const auto* id = ids.const_data_ptr<int64_t>();
  std::vector<int64_t> places;
  for (size_t row = 0; row + 1 < batch.offsets.size(); ++row) {
    int64_t last = batch.offsets[row + 1] - 1;
    while (last > batch.offsets[row] && id[last] == padding)
      --last;
    places.push_back(last);
  }
  return rows_at(hidden, places);
}

}  // namespace

bool is_per_row(HeadKind kind) {
  return kind == HeadKind::kFirstToken || kind == HeadKind::kLastToken;
}

void TransformerHead::visit(const TransformerConfig& config, const std::string& words,
                            const ParameterVisitor& visitor) {
  const HeadOption& head = config.head;
  if (head.kind == HeadKind::kNone) return;
  const Initialiser weights = normal(config.initializer_range);
  if (!head.bias.empty()) visitor({std::string(head.bias), {config.vocab}, constant(0)}, bias_);
  if (!head.dense.empty()) {
    visit_linear(visitor, std::string(head.dense), config.width, config.width, weights, dense_);
  }
  if (!head.norm.empty()) visit_norm(visitor, std::string(head.norm), config.width, norm_);
  const bool speaks = config.labels == 0;
  const int64_t values = speaks ? config.vocab : config.labels;
  const std::string output(head.output), bias(head.bias);
  visitor({.name = output + ".weight",
           .shape = {values, config.width},
           .initial = weights,
           .tied_to = speaks && config.tied ? words.c_str() : nullptr},
          output_.weight);
  if (!head.output_bias) return;
  visitor({.name = output + ".bias",
           .shape = {values},
           .initial = constant(0),
           .tied_to = bias.empty() ? nullptr : bias.c_str()},
          output_.bias);
}

at::Tensor TransformerHead::logits(const TransformerConfig& config, const at::Tensor& hidden,
                                   const Batch& batch) const {
  switch (config.head.kind) {
    case HeadKind::kMaskedLanguageModel:
      return output_(at::layer_norm(config.head_activation(dense_(hidden)), {config.width},
                                    norm_.weight, norm_.bias, config.norm_epsilon));
    case HeadKind::kFirstToken:
      return output_(at::tanh(dense_(first_tokens(hidden, batch))));
    case HeadKind::kLastToken:
      return output_(last_tokens(hidden, batch, config.pad_token));
    default:
      return output_(hidden);
  }
}

bool is_of_other_head(const TransformerConfig& config, const std::string& name) {
  const auto is_below = [&](std::string_view layer) {
    return !layer.empty() && name.starts_with(layer) &&
           (name.size() == layer.size() || name[layer.size()] == '.');
  };
  return std::ranges::any_of(config.known_heads, [&](const HeadOption& head) {
    return is_below(head.output) || is_below(head.dense) || is_below(head.norm) ||
           is_below(head.bias);
  });
}

}  // namespace ssmi::model
