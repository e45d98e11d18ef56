#include "transformer_head.h"

#include <ATen/ops/layer_norm.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

namespace ssmi::model {
namespace {

/// The first or last token of every row, [rows, D].
at::Tensor tokens_at_end(const at::Tensor& hidden, const Batch& batch, bool last) {
  std::vector<int64_t> places;
  for (size_t row = 0; row + 1 < batch.offsets.size(); ++row)
    places.push_back(last ? batch.offsets[row + 1] - 1 : batch.offsets[row]);
  return hidden.index_select(0, at::tensor(places, at::kLong).to(hidden.device()));
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
      return output_(at::tanh(dense_(tokens_at_end(hidden, batch, false))));
    case HeadKind::kLastToken:
      return output_(tokens_at_end(hidden, batch, true));
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
