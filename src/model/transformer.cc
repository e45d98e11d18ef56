// One Transformer (Vaswani et al. 2017) for all architectures: an embedding, blocks of attention
// and an MLP, perhaps a final norm, perhaps a head. TransformerConfig has the options.

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/tensor.h>

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "affine.h"
#include "differentiable.h"
#include "ssmi/kernels/attention.h"
#include "transformer_config.h"
#include "transformer_head.h"

namespace ssmi::model {
namespace {

struct Block {
  Affine query, key, value, fused, attention_output, attention_norm;
  Affine mlp_gate, mlp_up, mlp_down, mlp_norm;
};

/// Every token's place in its row, [S] int64. Tokens `uncounted` have place -1 and do not count.
at::Tensor places(const Batch& batch, int64_t uncounted) {
  const at::Tensor ids = batch.ids.cpu().contiguous();
  const auto* id = ids.const_data_ptr<int64_t>();
  std::vector<int64_t> result;
  result.reserve(static_cast<size_t>(batch.offsets.back()));
  for (size_t row = 0; row + 1 < batch.offsets.size(); ++row) {
    int64_t next = 0;
    for (int64_t t = batch.offsets[row]; t < batch.offsets[row + 1]; ++t)
      result.push_back(id[t] == uncounted ? -1 : next++);
  }
  return at::tensor(result, at::kLong).to(batch.ids.device());
}

class Transformer : public Model {
 public:
  explicit Transformer(TransformerConfig config)
      : config_(std::move(config)),
        words_(config_.base_prefix + std::string(config_.names.words) + ".weight"),
        blocks_(static_cast<size_t>(config_.layers)) {}

  ModelInfo info() const override;
  void visit(const ParameterVisitor& visitor) override;
  std::vector<std::string> notes() const override { return config_.notes; }
  bool ignores(const std::string& name) const override;
  void forward(const Batch& batch, const Tap& tap) const override;

 private:
  struct Pass {
    const Batch& batch;
    const Tap& tap;
    at::Tensor places;
    RotaryTables rotary;
  };

  void visit_block(const ParameterVisitor& visitor, const std::string& prefix, Block& block) const;
  void visit_linear(const ParameterVisitor& visitor, const std::string& name, int64_t out,
                    int64_t in, bool bias, Affine& to, double deviation) const;
  void visit_norm(const ParameterVisitor& visitor, const std::string& name, Affine& to) const;

  at::Tensor embed(const Pass& pass) const;
  at::Tensor linear(const Affine& layer, const at::Tensor& x) const {
    return at::linear(x, config_.transposed ? layer.weight.t() : layer.weight, layer.bias);
  }
  at::Tensor norm(const Affine& layer, const at::Tensor& x) const {
    return config_.rms
               ? differentiable::rms_norm(
                     {.x = x, .weight = layer.weight, .epsilon = config_.norm_epsilon})
               : at::layer_norm(x, {config_.width}, layer.weight, layer.bias, config_.norm_epsilon);
  }
  /// What the block does to the residual stream x [S, D].
  at::Tensor run(const Block& block, int64_t layer, const at::Tensor& x, const Pass& pass) const;
  at::Tensor attend(const Block& block, int64_t layer, at::Tensor x, const Pass& pass) const;
  at::Tensor mlp(const Block& block, int64_t layer, const at::Tensor& x, const Pass& pass) const;
  /// Query [S, H, W], key and value [S, G, W].
  std::array<at::Tensor, 3> project(const Block& block, const at::Tensor& x) const;
  kernels::Attention attention_of(const Block& block, int64_t layer, const at::Tensor& x,
                                  const Pass& pass) const;

  TransformerConfig config_;
  std::string words_;  // name of the word embeddings
  at::Tensor word_embeddings_, position_embeddings_, type_embeddings_;
  Affine embedding_norm_, final_norm_;
  std::vector<Block> blocks_;
  TransformerHead head_;
};

ModelInfo Transformer::info() const {
  ModelInfo info{
      .architecture = config_.architecture,
      .layers = config_.layers,
      .hidden_size = config_.width,
      .vocab_size = config_.vocab,
      .sites = {Site::kEmbedding, Site::kBlockInput, Site::kMixerInput, Site::kAttentionProbs,
                Site::kMixerOutput, Site::kMlpOutput, Site::kBlockOutput},
      .base_prefix = config_.base_prefix,
      .logits_per_row = is_per_row(config_.head.kind),
      .max_tokens = config_.positions - config_.first_position,
      .causal = config_.causal};
  if (!config_.names.final_norm.empty()) info.sites.push_back(Site::kFinalNorm);
  if (config_.head.kind != HeadKind::kNone) info.sites.push_back(Site::kLogits);
  return info;
}

/// Buffers that older versions of the transformers library saved, and heads of other classes.
bool Transformer::ignores(const std::string& name) const {
  for (const std::string_view head : {"qa_outputs.", "multiple_choice_head."}) {
    if (name.starts_with(head)) return true;
  }
  constexpr std::array<std::string_view, 8> kBuffers{
      ".position_ids",          ".attn.bias", ".attn.masked_bias",      ".attention.bias",
      ".attention.masked_bias", ".inv_freq",  "embed_positions.weight", ".token_type_ids"};
  for (const std::string_view buffer : kBuffers) {
    if (name.ends_with(buffer)) return true;
  }
  return is_of_other_head(config_, name) || name.starts_with(config_.base_prefix + "pooler.") ||
         name.starts_with("cls.seq_relationship.");
}

void Transformer::visit_linear(const ParameterVisitor& visitor, const std::string& name,
                               int64_t out, int64_t in, bool bias, Affine& to,
                               double deviation) const {
  const auto shape = config_.transposed ? std::vector{in, out} : std::vector{out, in};
  visitor({name + ".weight", shape, normal(deviation)}, to.weight);
  if (bias) visitor({name + ".bias", {out}, constant(0)}, to.bias);
}

void Transformer::visit_norm(const ParameterVisitor& visitor, const std::string& name,
                             Affine& to) const {
  visitor({name + ".weight", {config_.width}, constant(1)}, to.weight);
  if (!config_.rms) visitor({name + ".bias", {config_.width}, constant(0)}, to.bias);
}

void Transformer::visit(const ParameterVisitor& visitor) {
  const TransformerNames& names = config_.names;
  const auto table = [&](std::string_view name, int64_t rows, int64_t zeros, at::Tensor& to) {
    if (rows == 0) return;
    visitor({fmt::format("{}{}.weight", config_.base_prefix, name),
             {rows, config_.width},
             normal_rows(config_.initializer_range, config_.width, zeros)},
            to);
  };
  table(names.words, config_.vocab, config_.padding, word_embeddings_);
  table(names.positions, config_.positions, config_.first_position > 0 ? config_.padding : -1,
        position_embeddings_);
  table(names.types, config_.types, -1, type_embeddings_);
  if (!names.embedding_norm.empty()) {
    visit_norm(visitor, config_.base_prefix + std::string(names.embedding_norm), embedding_norm_);
  }
  for (size_t i = 0; i < blocks_.size(); ++i) {
    visit_block(visitor, fmt::format("{}{}.{}.", config_.base_prefix, names.blocks, i), blocks_[i]);
  }
  if (!names.final_norm.empty()) {
    visit_norm(visitor, config_.base_prefix + std::string(names.final_norm), final_norm_);
  }
  head_.visit(config_, words_, as_head(visitor));
}

void Transformer::visit_block(const ParameterVisitor& visitor, const std::string& prefix,
                              Block& block) const {
  const auto& c = config_;
  const int64_t inside = c.heads * c.head_width, shared = c.key_value_heads * c.head_width;
  const double deviation = c.initializer_range;
  const double last =
      c.residual_rescaled ? deviation / std::sqrt(2.0 * static_cast<double>(c.layers)) : deviation;
  const auto linear = [&](std::string_view name, int64_t out, int64_t in, bool bias, Affine& to,
                          double deviation) {
    if (!name.empty())
      visit_linear(visitor, prefix + std::string(name), out, in, bias, to, deviation);
  };
  const auto& names = c.names;
  linear(names.fused, 3 * inside, c.width, c.query_bias, block.fused, deviation);
  linear(names.query, inside, c.width, c.query_bias, block.query, deviation);
  linear(names.key, shared, c.width, c.query_bias, block.key, deviation);
  linear(names.value, shared, c.width, c.query_bias, block.value, deviation);
  linear(names.attention_output, c.width, inside, c.output_bias, block.attention_output, last);
  visit_norm(visitor, prefix + std::string(names.attention_norm), block.attention_norm);
  linear(names.mlp_gate, c.inner, c.width, c.mlp_bias, block.mlp_gate, deviation);
  linear(names.mlp_up, c.inner, c.width, c.mlp_bias, block.mlp_up, deviation);
  linear(names.mlp_down, c.width, c.inner, c.mlp_bias, block.mlp_down, last);
  visit_norm(visitor, prefix + std::string(names.mlp_norm), block.mlp_norm);
}

at::Tensor Transformer::embed(const Pass& pass) const {
  at::Tensor x = at::embedding(word_embeddings_, pass.batch.ids);  // [S, D]
  if (config_.types > 0) x += type_embeddings_[0];
  if (config_.positions > 0) {
    x += at::embedding(position_embeddings_, pass.places + config_.first_position);
  }
  return config_.names.embedding_norm.empty() ? x : norm(embedding_norm_, x);
}

void Transformer::forward(const Batch& batch, const Tap& tap) const {
  // RoBERTa gives padding, even in the middle of a text, the position before the first one.
  const int64_t uncounted = config_.first_position > 0 ? config_.padding : -1;
  Pass pass{batch, tap, places(batch, uncounted), {}};
  if (config_.rotary) pass.rotary = rotary_tables(*config_.rotary, pass.places);
  at::Tensor x = embed(pass);
  tap(Site::kEmbedding, 0, x);
  const int64_t depth = tap.depth(config_.layers);
  for (int64_t layer = 1; layer <= depth; ++layer) {
    tap(Site::kBlockInput, layer, x);
    x = run(blocks_[static_cast<size_t>(layer - 1)], layer, x, pass);
    tap(Site::kBlockOutput, layer, x);
  }
  if (!tap.wants_head()) return;
  if (!config_.names.final_norm.empty()) x = norm(final_norm_, x);
  tap(Site::kFinalNorm, 0, x);
  if (!tap.wants(Site::kLogits, 0)) return;
  at::Tensor logits = head_.logits(config_, x, batch);
  tap(Site::kLogits, 0, logits);
}

at::Tensor Transformer::run(const Block& block, int64_t layer, const at::Tensor& x,
                            const Pass& pass) const {
  if (!config_.norm_first) {
    const at::Tensor y = norm(block.attention_norm, x + attend(block, layer, x, pass));
    return norm(block.mlp_norm, y + mlp(block, layer, y, pass));
  }
  const at::Tensor attended = attend(block, layer, norm(block.attention_norm, x), pass);
  if (config_.parallel) return mlp(block, layer, norm(block.mlp_norm, x), pass) + attended + x;
  const at::Tensor y = x + attended;
  return y + mlp(block, layer, norm(block.mlp_norm, y), pass);
}

at::Tensor Transformer::attend(const Block& block, int64_t layer, at::Tensor x,
                               const Pass& pass) const {
  pass.tap(Site::kMixerInput, layer, x);
  const kernels::Attention inputs = attention_of(block, layer, x, pass);
  at::Tensor mixed;
  if (pass.tap.wants(Site::kAttentionProbs, layer)) {
    mixed = kernels::attention_reference(inputs, pass.batch.offsets, [&](at::Tensor& weights) {
      pass.tap(Site::kAttentionProbs, layer, weights);
    });
  } else {
    mixed = kernels::attention(inputs, pass.batch.offsets);
  }
  at::Tensor output = linear(block.attention_output, mixed);
  pass.tap(Site::kMixerOutput, layer, output);
  return output;
}

std::array<at::Tensor, 3> Transformer::project(const Block& block, const at::Tensor& x) const {
  const int64_t width = config_.head_width;
  if (config_.names.fused.empty()) {
    return {linear(block.query, x).unflatten(1, {-1, width}),
            linear(block.key, x).unflatten(1, {-1, width}),
            linear(block.value, x).unflatten(1, {-1, width})};
  }
  const at::Tensor all = linear(block.fused, x);
  const bool by_head = config_.layout == FusedLayout::kByHead;
  const at::Tensor parts = by_head ? all.unflatten(1, {-1, 3, width}).transpose(1, 2)
                                   : all.unflatten(1, {3, -1, width});  // [S, 3, H, W]
  return {parts.select(1, 0), parts.select(1, 1), parts.select(1, 2)};
}

kernels::Attention Transformer::attention_of(const Block& block, int64_t layer, const at::Tensor& x,
                                             const Pass& pass) const {
  auto [query, key, value] = project(block, x);
  if (config_.rotary) {
    query = rotated(*config_.rotary, pass.rotary, query);
    key = rotated(*config_.rotary, pass.rotary, key);
  }
  double scale = config_.scaled ? 1 / std::sqrt(static_cast<double>(config_.head_width)) : 1;
  if (config_.scaled_by_block) scale /= static_cast<double>(layer);
  const auto index = static_cast<size_t>(layer - 1);
  return {.query = query,
          .key = key,
          .value = value,
          .scale = scale,
          .causal = config_.causal,
          .window = config_.windows.empty() ? 0 : config_.windows[index]};
}

at::Tensor Transformer::mlp(const Block& block, int64_t layer, const at::Tensor& x,
                            const Pass& pass) const {
  at::Tensor inside;
  if (config_.names.mlp_gate.empty()) {
    inside = config_.activation(linear(block.mlp_up, x));
  } else {
    inside = config_.activation(linear(block.mlp_gate, x)) * linear(block.mlp_up, x);
  }
  at::Tensor output = linear(block.mlp_down, inside);
  pass.tap(Site::kMlpOutput, layer, output);
  return output;
}

}  // namespace

std::unique_ptr<Model> make_transformer(TransformerConfig config) {
  return std::make_unique<Transformer>(std::move(config));
}

}  // namespace ssmi::model
