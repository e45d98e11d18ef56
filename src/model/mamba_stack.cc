#include "mamba_stack.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "differentiable.h"

namespace ssmi::model {

MambaStack::MambaStack(const MambaConfig& config)
    : stack_(config), blocks_(static_cast<size_t>(config.layers)) {}

ModelInfo MambaStack::info() const {
  ModelInfo info{
      stack_.architecture,
      stack_.layers,
      stack_.width,
      stack_.vocab,
      {Site::kEmbedding, Site::kBlockInput, Site::kMixerInput, Site::kConvOutput, Site::kDelta,
       Site::kStateOutput, Site::kGate, Site::kMixerOutput, Site::kBlockOutput, Site::kFinalNorm},
      "backbone."};
  info.causal = true;
  if (stack_.head) info.sites.push_back(Site::kLogits);
  return info;
}

void MambaStack::visit(const ParameterVisitor& visitor) {
  const auto& [vocab, width] = std::pair(stack_.vocab, stack_.width);
  const Initialiser initial = normal(stack_.initial.embedding_deviation);
  visitor({stack_.embedding, {vocab, width}, initial}, embedding_);
  for (size_t i = 0; i < blocks_.size(); ++i)
    visit_block(visitor, fmt::format("backbone.layers.{}.", i), i);
  visit_norm(visitor, "backbone.norm_f", final_norm_);
  if (!stack_.head) return;
  Parameter head{"lm_head.weight", {vocab, width}, initial_linear(width)};
  if (stack_.tied_head) head.tied_to = stack_.embedding.c_str();
  as_head(visitor)(head, head_);
}

void MambaStack::visit_block(const ParameterVisitor& visitor, const std::string& prefix,
                             size_t index) {
  const auto& c = stack_;
  MambaBlock& block = blocks_[index];
  const std::string mixer = prefix + "mixer.";
  visit_norm(visitor, prefix + "norm", block.norm);
  visitor({mixer + "in_proj.weight", {projected_width(), c.width}, initial_linear(c.width)},
          block.in_proj.weight);
  if (c.bias)
    visitor({mixer + "in_proj.bias", {projected_width()}, constant(0)}, block.in_proj.bias);
  const Initialiser conv = uniform_by_fan_in(c.conv_width);
  visitor({mixer + "conv1d.weight", {conv_channels(), 1, c.conv_width}, conv}, block.conv.weight);
  if (c.conv_bias) {
    visitor(
        {mixer + "conv1d.bias", {conv_channels()}, c.initial.random_conv_bias ? conv : constant(0)},
        block.conv.bias);
  }
  visit_mixer(visitor, mixer, index);
  visitor({mixer + "A_log", decay_shape(), initial_decay(), true}, block.a_log);
  visitor({mixer + "D", {decay_shape().front()}, constant(1), true}, block.d);
  const double scale =
      c.initial.rescale_residual ? 1 / std::sqrt(static_cast<double>(c.layers)) : 1;
  visitor({mixer + "out_proj.weight", {c.width, c.inner}, uniform_by_fan_in(c.inner, scale)},
          block.out_proj.weight);
  if (c.bias) visitor({mixer + "out_proj.bias", {c.width}, constant(0)}, block.out_proj.bias);
}

void MambaStack::visit_norm(const ParameterVisitor& visitor, const std::string& name,
                            Affine& norm) const {
  visitor({name + ".weight", {stack_.width}, constant(1)}, norm.weight);
  if (stack_.layer_norm) visitor({name + ".bias", {stack_.width}, constant(0)}, norm.bias);
}

Initialiser MambaStack::initial_linear(int64_t fan_in) const {
  const auto& deviation = stack_.initial.linear_deviation;
  return deviation ? normal(*deviation) : uniform_by_fan_in(fan_in);
}

Initialiser MambaStack::initial_step_bias() const {
  const double low = std::log(stack_.initial.step_min), high = std::log(stack_.initial.step_max);
  return [low, high, floor = stack_.initial.step_floor](Random& random, std::span<float> out) {
    for (float& bias : out) {
      const double step = std::max(std::exp(low + (high - low) * random.uniform()), floor);
      bias = static_cast<float>(step + std::log(-std::expm1(-step)));
    }
  };
}

at::Tensor MambaStack::norm(const Affine& norm, const at::Tensor& x) const {
  if (stack_.layer_norm) {
    return at::layer_norm(x, {stack_.width}, norm.weight, norm.bias, stack_.norm_epsilon);
  }
  return differentiable::rms_norm({.x = x, .weight = norm.weight, .epsilon = stack_.norm_epsilon});
}

at::Tensor MambaStack::convolve(size_t index, const at::Tensor& x, const Batch& batch) const {
  const Affine& conv = blocks_[index].conv;
  const at::Tensor y = differentiable::short_convolution({.x = x,
                                                          .weight = conv.weight,
                                                          .bias = conv.bias,
                                                          .left = stack_.conv_width - 1,
                                                          .silu = stack_.silu},
                                                         batch.offsets);
  return stack_.silu ? y : stack_.activation(y);
}

at::Tensor MambaStack::gated(int64_t layer, at::Tensor y, const at::Tensor& gate, const Tap& tap) {
  tap(Site::kStateOutput, layer, y);
  at::Tensor opened = at::silu(gate);
  tap(Site::kGate, layer, opened);
  return y * opened;
}

at::Tensor MambaStack::mixed(size_t index, const at::Tensor& x, const Batch& batch,
                             const Tap& tap) const {
  const auto layer = static_cast<int64_t>(index) + 1;
  at::Tensor input = norm(blocks_[index].norm, x);
  tap(Site::kMixerInput, layer, input);
  const at::Tensor projected = blocks_[index].in_proj(input);
  input.reset();
  return mix(index, projected, batch, tap);
}

void MambaStack::add_projected(const Affine& layer, const at::Tensor& inner, bool in_place,
                               at::Tensor& x) {
  if (layer.bias.defined() || !in_place || differentiable::is_recorded({x, inner, layer.weight})) {
    x = x + layer(inner);
  } else {
    x.addmm_(inner, layer.weight.t());
  }
}

void MambaStack::forward(const Batch& batch, const Tap& tap) const {
  at::Tensor x = at::embedding(embedding_, batch.ids);  // [S, D]
  tap(Site::kEmbedding, 0, x);
  bool shown = tap.wants(Site::kEmbedding, 0);
  const int64_t depth = tap.depth(stack_.layers);
  for (int64_t layer = 1; layer <= depth; ++layer) {
    const auto index = static_cast<size_t>(layer - 1);
    const MambaBlock& block = blocks_[index];
    tap(Site::kBlockInput, layer, x);
    shown = shown || tap.wants(Site::kBlockInput, layer);
    const at::Tensor inner = mixed(index, x, batch, tap);
    if (tap.wants(Site::kMixerOutput, layer)) {
      at::Tensor output = block.out_proj(inner);
      tap(Site::kMixerOutput, layer, output);
      x = x + output;
    } else {
      add_projected(block.out_proj, inner, !shown, x);
    }
    tap(Site::kBlockOutput, layer, x);
    shown = tap.wants(Site::kBlockOutput, layer);
  }
  if (!tap.wants_head()) return;
  x = norm(final_norm_, x);
  tap(Site::kFinalNorm, 0, x);
  if (!stack_.head || !tap.wants(Site::kLogits, 0)) return;
  at::Tensor logits = at::linear(x, head_);  // [S, V]
  tap(Site::kLogits, 0, logits);
}

}  // namespace ssmi::model
