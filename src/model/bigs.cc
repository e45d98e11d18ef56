// BiGS (Wang, Yan, Gu and Rush 2022, "Pretraining Without Attention", section 3) and CodeSSM, which
// is BiGS without position embeddings. Each block runs a diagonal state-space layer (S4D) forwards
// and another one backwards, projects both and multiplies them, token by token.

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp_max.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/view_as_complex.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "affine.h"
#include "architectures.h"
#include "bigs_config.h"
#include "bigs_head.h"
#include "differentiable.h"
#include "ssmi/core/error.h"

namespace ssmi::model {
namespace {

using kernels::Direction;

constexpr int64_t kConvolutionWidth = 3;

/// One direction of a block.
struct Path {
  Affine in, out;
  at::Tensor c;               // [N, 2], [G, N, 2] with more than one kernel; real and imaginary
  at::Tensor a_re, a_im;      // [N] or [G, N]
  at::Tensor log_step, skip;  // [G]
  Affine convolution;         // the high-frequency path
};

struct Block {
  Affine norm, gate, merge, out;
  Path forward, backward;
};

/// A_im of S4D-Lin: pi n, for each kernel.
Initialiser multiples_of_pi(int64_t states) {
  return [=](Random&, std::span<float> out) {
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<float>(std::numbers::pi *
                                  static_cast<double>(i % static_cast<size_t>(states)));
    }
  };
}

/// The grouped convolution of each row, zeros beyond its ends, the taps in the direction's order.
at::Tensor grouped_convolution(const at::Tensor& u, const Affine& convolution,
                               const std::vector<int64_t>& offsets, Direction direction) {
  const at::Tensor weight =
      direction == Direction::kForward ? convolution.weight : convolution.weight.flip(2);
  std::vector<at::Tensor> rows;
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    if (offsets[row] == offsets[row + 1]) continue;
    const at::Tensor channels = u.slice(0, offsets[row], offsets[row + 1]).t().unsqueeze(0);
    rows.push_back(at::conv1d(channels, weight, convolution.bias, 1, kConvolutionWidth / 2, 1,
                              kBigsConvolutionGroups)
                       .squeeze(0)
                       .t());
  }
  return at::cat(rows);
}

class Bigs : public Model {
 public:
  explicit Bigs(BigsConfig config)
      : config_(std::move(config)), blocks_(static_cast<size_t>(config_.layers)) {}

  ModelInfo info() const override;
  void visit(const ParameterVisitor& visitor) override;
  std::vector<std::string> notes() const override { return config_.notes; }
  bool ignores(const std::string& name) const override;
  void forward(const Batch& batch, const Tap& tap) const override;
  std::vector<StateKernels> state_kernels(at::ScalarType type) const override;

 private:
  void visit_block(const ParameterVisitor& visitor, const std::string& prefix, Block& block) const;
  void visit_path(const ParameterVisitor& visitor, const std::string& prefix, Path& path) const;
  at::Tensor embed(const Batch& batch) const;
  at::Tensor mix(const Block& block, int64_t layer, const at::Tensor& x, const Batch& batch,
                 const Tap& tap) const;
  at::Tensor run(const Path& path, const at::Tensor& x, const Batch& batch,
                 Direction direction) const;
  kernels::ModalKernels modes(const Path& path, at::ScalarType type) const;
  at::Tensor norm(const Affine& norm, const at::Tensor& x) const {
    return at::layer_norm(x, {config_.width}, norm.weight, norm.bias, config_.norm_epsilon);
  }

  BigsConfig config_;
  at::Tensor words_;      // [V, D]
  at::Tensor positions_;  // [P, D]
  at::Tensor types_;      // [types, D]
  Affine embedding_norm_;
  std::vector<Block> blocks_;
  BigsHeadLayers head_;
};

ModelInfo Bigs::info() const {
  ModelInfo info{config_.architecture,
                 config_.layers,
                 config_.width,
                 config_.vocab,
                 {Site::kEmbedding, Site::kBlockInput, Site::kMixerInput, Site::kStateOutput,
                  Site::kGate, Site::kMixerOutput, Site::kBlockOutput},
                 "bigs."};
  if (config_.head != BigsHead::kNone) info.sites.push_back(Site::kLogits);
  info.logits_per_row = config_.head == BigsHead::kSequenceClassification;
  return info;
}

bool Bigs::ignores(const std::string& name) const {
  return name == "bigs.embeddings.position_ids" || is_of_other_head(name, config_.head) ||
         (config_.positions == 0 && name == "bigs.embeddings.position_embeddings.weight");
}

void Bigs::visit(const ParameterVisitor& visitor) {
  const std::string prefix = "bigs.embeddings.";
  const auto embedding = [&](const char* name, int64_t rows, at::Tensor& to) {
    visitor({prefix + name + ".weight", {rows, config_.width}, normal(config_.initializer_range)},
            to);
  };
  embedding("word_embeddings", config_.vocab, words_);
  if (config_.positions > 0) embedding("position_embeddings", config_.positions, positions_);
  embedding("token_type_embeddings", config_.types, types_);
  visit_norm(visitor, prefix + "LayerNorm", config_.width, embedding_norm_);
  for (size_t i = 0; i < blocks_.size(); ++i)
    visit_block(visitor, fmt::format("bigs.encoder.layer.{}.", i), blocks_[i]);
  head_.visit(config_, as_head(visitor));
}

void Bigs::visit_block(const ParameterVisitor& visitor, const std::string& prefix,
                       Block& block) const {
  const auto& [width, inner] = std::pair(config_.width, config_.inner);
  const auto linear = [&](const char* name, int64_t out, int64_t in, Affine& to) {
    visit_linear(visitor, prefix + name, out, in, normal(config_.initializer_range), to);
  };
  visit_norm(visitor, prefix + "LayerNorm", width, block.norm);
  visit_path(visitor, prefix + "fs4.", block.forward);
  visit_path(visitor, prefix + "bs4.", block.backward);
  linear("dv", inner, width, block.gate);
  linear("du_forward", width, width, block.forward.in);
  linear("du_backward", width, width, block.backward.in);
  linear("duc_forward", width, width, block.forward.out);
  linear("duc_backward", width, width, block.backward.out);
  linear("dol", inner, width, block.merge);
  linear("do", width, inner, block.out);
}

// Initial values as in the published code: S4D-Lin with steps between 0.01 and 1 token.
void Bigs::visit_path(const ParameterVisitor& visitor, const std::string& prefix,
                      Path& path) const {
  const int64_t kernels = config_.kernels, states = config_.states;
  const auto state = [&](const char* name, std::vector<int64_t> shape, Initialiser initial,
                         at::Tensor& to) {
    visitor({prefix + name, std::move(shape), std::move(initial), true}, to);
  };
  const auto per_mode = [&](std::vector<int64_t> shape) {  // a lone kernel has no kernel dimension
    if (kernels > 1) shape.insert(shape.begin(), kernels);
    return shape;
  };
  state("D", {kernels}, normal(1), path.skip);
  state("kernel.C", per_mode({states, 2}), normal(std::sqrt(0.5)), path.c);
  state("kernel.log_step", {kernels}, uniform(std::log(0.01), 0), path.log_step);
  state("kernel.A_re", per_mode({states}), constant(-0.5F), path.a_re);
  state("kernel.A_im", per_mode({states}), multiples_of_pi(states), path.a_im);
  if (!config_.high_frequency) return;
  const int64_t width = config_.width;
  visitor({prefix + "conv.weight",
           {width, width / kBigsConvolutionGroups, kConvolutionWidth},
           normal(config_.initializer_range)},
          path.convolution.weight);
  visitor({prefix + "conv.bias", {width}, constant(0)}, path.convolution.bias);
}

void Bigs::forward(const Batch& batch, const Tap& tap) const {
  at::Tensor x = embed(batch);  // [S, D]
  tap(Site::kEmbedding, 0, x);
  const int64_t depth = tap.depth(config_.layers);
  for (int64_t layer = 1; layer <= depth; ++layer) {
    const Block& block = blocks_[static_cast<size_t>(layer - 1)];
    tap(Site::kBlockInput, layer, x);
    at::Tensor mixed = mix(block, layer, x, batch, tap);
    tap(Site::kMixerOutput, layer, mixed);
    x = x + mixed;
    tap(Site::kBlockOutput, layer, x);
  }
  if (config_.head == BigsHead::kNone || !tap.wants(Site::kLogits, 0)) return;
  at::Tensor logits = head_.logits(config_, x, batch);
  tap(Site::kLogits, 0, logits);
}

at::Tensor Bigs::embed(const Batch& batch) const {
  at::Tensor x = at::embedding(words_, batch.ids) + types_[0];
  if (config_.positions > 0) {
    const int64_t longest = longest_row(batch.offsets);
    if (longest > config_.positions) {
      fail(ExitCode::kMismatch,
           "a row of {} tokens, but the model has {} positions (max_position_embeddings); give it "
           "shorter rows",
           longest, config_.positions);
    }
    for (size_t row = 0; row + 1 < batch.offsets.size(); ++row) {
      const int64_t begin = batch.offsets[row], end = batch.offsets[row + 1];
      x.slice(0, begin, end).add_(positions_.slice(0, 0, end - begin));
    }
  }
  return norm(embedding_norm_, x);
}

at::Tensor Bigs::mix(const Block& block, int64_t layer, const at::Tensor& x, const Batch& batch,
                     const Tap& tap) const {
  at::Tensor input = norm(block.norm, x);
  tap(Site::kMixerInput, layer, input);
  at::Tensor state = run(block.forward, input, batch, Direction::kForward) *
                     run(block.backward, input, batch, Direction::kBackward);
  tap(Site::kStateOutput, layer, state);
  at::Tensor gate = at::gelu(block.gate(input));  // [S, I]
  tap(Site::kGate, layer, gate);
  return block.out(at::gelu(block.merge(state)) * gate);
}

at::Tensor Bigs::run(const Path& path, const at::Tensor& x, const Batch& batch,
                     Direction direction) const {
  const at::Tensor u = at::gelu(path.in(x));
  at::Tensor taps =
      differentiable::state_kernels(modes(path, at::kDouble), longest_row(batch.offsets));
  taps.select(1, 0).add_(path.skip);  // [G, T]
  at::Tensor y =
      differentiable::long_convolution(u, taps.to(u.scalar_type()), batch.offsets, direction);
  if (config_.high_frequency) {
    y += grouped_convolution(u, path.convolution, batch.offsets, direction);
  }
  return path.out(y);
}

kernels::ModalKernels Bigs::modes(const Path& path, at::ScalarType type) const {
  const std::vector<int64_t> shape{config_.kernels, config_.states};
  const auto part = [&](const at::Tensor& x) { return x.to(type).reshape(shape); };
  const at::Tensor c = at::complex(part(path.c.select(-1, 0)), part(path.c.select(-1, 1)));
  constexpr double kSlowest = -1e-4;  // of the real parts: no mode grows
  const at::Tensor a = at::complex(part(path.a_re).clamp_max(kSlowest), part(path.a_im));
  return kernels::zero_order_hold(c, a, at::exp(path.log_step.to(type)));
}

std::vector<StateKernels> Bigs::state_kernels(at::ScalarType type) const {
  std::vector<StateKernels> all;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const auto layer = static_cast<int64_t>(i) + 1;
    const auto add = [&](const Path& path, Direction direction) {
      all.push_back({layer, direction, modes(path, type), path.skip.to(type)});
    };
    add(blocks_[i].forward, Direction::kForward);
    add(blocks_[i].backward, Direction::kBackward);
  }
  return all;
}

}  // namespace

std::unique_ptr<Model> make_bigs(const JsonObject& config, const Stored& stored) {
  return std::make_unique<Bigs>(read_bigs_config(config, stored, true));
}

std::unique_ptr<Model> make_codessm(const JsonObject& config, const Stored& stored) {
  return std::make_unique<Bigs>(read_bigs_config(config, stored, false));
}

}  // namespace ssmi::model
