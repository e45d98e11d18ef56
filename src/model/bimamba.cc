// Bidirectional Mamba with shared weights, as in the PyPI package typeseg (0.2.7): each block runs
// the selective scan once forwards and once backwards over the same projections and adds the two.

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softplus.h>

#include "affine.h"
#include "architectures.h"
#include "config_keys.h"
#include "differentiable.h"
#include "ssmi/core/error.h"

namespace ssmi::model {
namespace {

struct Config {
  int64_t vocab, width, inner, layers, states, rank, conv_width, conv_left, labels;
  double norm_epsilon, delta_floor;
};

/// Options that the published network fixes; another value is another network.
void require(const JsonObject& config, const std::string& key, const Json& value) {
  if (config.at(key) != value) {
    bad_input("{}: '{}' is {}, bimamba supports only {}", config.where(), key,
              config.at(key).dump().substr(0, 80), value.dump());
  }
}

Config read_config(const JsonObject& config) {
  require(config, "norm", "layer_norm");
  require(config, "bidirectional", "shared_weights_sum");
  for (const char* bias : {"use_bias", "use_x_proj_bias", "use_conv_bias"}) {
    require(config, bias, true);
  }
  const int64_t conv_width = config.integer("conv_kernel", 1, 64);
  const auto padding = config.integers("conv_padding", 0, 64);
  if (padding.size() != 2 || padding[0] + padding[1] != conv_width - 1) {
    bad_input("{}: 'conv_padding' should be two numbers with the sum conv_kernel - 1 = {}",
              config.where(), conv_width - 1);
  }
  return {.vocab = extent(config, "vocab_size"),
          .width = extent(config, "hidden_size"),
          .inner = extent(config, "intermediate_size"),
          .layers = config.integer("num_hidden_layers", 1, kMaxLayers),
          .states = config.integer("state_size", 1, 4096),
          .rank = extent(config, "time_step_rank"),
          .conv_width = conv_width,
          .conv_left = padding[0],
          .labels = extent(config, "num_labels"),
          .norm_epsilon = config.number("layer_norm_epsilon"),
          .delta_floor = config.number("time_step_floor_added")};
}

struct Block {
  Affine norm, in_proj, conv, x_proj, dt_proj, out_proj;
  at::Tensor a_log, d;
};

class BiMamba : public Model {
 public:
  explicit BiMamba(const Config& config)
      : config_(config), blocks_(static_cast<size_t>(config.layers)) {}

  ModelInfo info() const override {
    return {"bimamba",
            config_.layers,
            config_.width,
            config_.vocab,
            {Site::kEmbedding, Site::kBlockInput, Site::kMixerInput, Site::kConvOutput,
             Site::kDelta, Site::kStateOutput, Site::kGate, Site::kMixerOutput, Site::kBlockOutput,
             Site::kFinalNorm, Site::kLogits},
            "backbone."};
  }

  void visit(const ParameterVisitor& visitor) override;
  void forward(const Batch& batch, const Tap& tap) const override;
  std::vector<SelectiveDynamics> selective_dynamics() const override;

 private:
  void visit_block(const ParameterVisitor& visitor, const std::string& prefix, Block& block) const;
  at::Tensor mix(const Block& block, int64_t layer, const at::Tensor& x, const Batch& batch,
                 const Tap& tap) const;
  /// The scans of both directions added, times the gate's SiLU if there is a gate.
  static at::Tensor scan_both(kernels::SelectiveScan scan, const at::Tensor& gate,
                              const at::Tensor& d, const Batch& batch);
  at::Tensor norm(const Affine& norm, const at::Tensor& x) const {
    return at::layer_norm(x, {config_.width}, norm.weight, norm.bias, config_.norm_epsilon);
  }

  Config config_;
  at::Tensor embeddings_;  // [V, D]
  std::vector<Block> blocks_;
  Affine final_norm_;
  Affine classifier_;
};

// The initialisation is read off the published weights: embedding rows of bytes that the tokenizer
// never gives still have their first values (normal, 0.02), and the projections keep the deviation
// and the cut tails of LeCun's normal.
void BiMamba::visit(const ParameterVisitor& visitor) {
  const auto& [vocab, width] = std::pair(config_.vocab, config_.width);
  visitor({"backbone.embeddings.weight", {vocab, width}, normal(0.02)}, embeddings_);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    visit_block(visitor, fmt::format("backbone.layers.{}.", i), blocks_[i]);
  }
  visitor({"backbone.norm_f.weight", {width}, constant(1)}, final_norm_.weight);
  visitor({"backbone.norm_f.bias", {width}, constant(0)}, final_norm_.bias);
  visit_linear(as_head(visitor), "classifier", config_.labels, width, lecun_normal(width),
               classifier_);
}

void BiMamba::visit_block(const ParameterVisitor& visitor, const std::string& prefix,
                          Block& block) const {
  const auto& c = config_;
  const auto affine = [&](const std::string& name, int64_t out, int64_t in, Affine& to) {
    visitor({prefix + name + ".weight", {out, in}, lecun_normal(in)}, to.weight);
    visitor({prefix + name + ".bias", {out}, constant(0)}, to.bias);
  };
  visitor({prefix + "norm.weight", {c.width}, constant(1)}, block.norm.weight);
  visitor({prefix + "norm.bias", {c.width}, constant(0)}, block.norm.bias);
  affine("mixer.in_proj", 2 * c.inner, c.width, block.in_proj);
  visitor({prefix + "mixer.conv1d.weight", {c.inner, 1, c.conv_width}, lecun_normal(c.conv_width)},
          block.conv.weight);
  visitor({prefix + "mixer.conv1d.bias", {c.inner}, constant(0)}, block.conv.bias);
  affine("mixer.x_proj", c.rank + 2 * c.states, c.inner, block.x_proj);
  visitor({prefix + "mixer.dt_proj.weight", {c.inner, c.rank}, lecun_normal(c.rank)},
          block.dt_proj.weight);
  visitor({prefix + "mixer.dt_proj.bias", {c.inner}, constant(0), true}, block.dt_proj.bias);
  visitor({prefix + "mixer.A_log", {c.inner, c.states}, constant(0), true}, block.a_log);
  visitor({prefix + "mixer.D", {c.inner}, constant(1), true}, block.d);
  affine("mixer.out_proj", c.width, c.inner, block.out_proj);
}

void BiMamba::forward(const Batch& batch, const Tap& tap) const {
  at::Tensor x = at::embedding(embeddings_, batch.ids);  // [S, D]
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
  if (!tap.wants_head()) return;
  x = norm(final_norm_, x);
  tap(Site::kFinalNorm, 0, x);
  if (!tap.wants(Site::kLogits, 0)) return;
  at::Tensor logits = classifier_(x);  // [S, labels]
  tap(Site::kLogits, 0, logits);
}

at::Tensor BiMamba::mix(const Block& block, int64_t layer, const at::Tensor& x, const Batch& batch,
                        const Tap& tap) const {
  at::Tensor input = norm(block.norm, x);
  tap(Site::kMixerInput, layer, input);
  const at::Tensor both = block.in_proj(input);  // [S, 2E]
  at::Tensor u = differentiable::short_convolution({.x = both.slice(1, 0, config_.inner),
                                                    .weight = block.conv.weight,
                                                    .bias = block.conv.bias,
                                                    .left = config_.conv_left,
                                                    .silu = true},
                                                   batch.offsets);
  tap(Site::kConvOutput, layer, u);
  const auto parts =
      block.x_proj(u).split_with_sizes({config_.rank, config_.states, config_.states}, 1);
  kernels::SelectiveScan scan{.u = u,
                              .delta = block.dt_proj(parts[0]),  // [S, E]
                              .a = -at::exp(block.a_log),
                              .b = parts[1],
                              .c = parts[2],
                              .softplus = true,
                              .step_floor = config_.delta_floor};
  if (tap.wants(Site::kDelta, layer)) {
    scan.softplus = false;
    scan.delta = at::softplus(scan.delta) + config_.delta_floor;
    tap(Site::kDelta, layer, scan.delta);
  }
  const at::Tensor gate = both.slice(1, config_.inner);
  if (!tap.wants(Site::kStateOutput, layer) && !tap.wants(Site::kGate, layer)) {
    return block.out_proj(scan_both(scan, gate, block.d, batch));
  }
  at::Tensor y = scan_both(scan, {}, block.d, batch);
  tap(Site::kStateOutput, layer, y);
  at::Tensor opened = at::silu(gate);
  tap(Site::kGate, layer, opened);
  return block.out_proj(y * opened);
}

at::Tensor BiMamba::scan_both(kernels::SelectiveScan scan, const at::Tensor& gate,
                              const at::Tensor& d, const Batch& batch) {
  scan.onto = differentiable::selective_scan(scan, batch.offsets, kernels::Direction::kForward);
  scan.out = scan.onto;
  scan.gate = gate;
  scan.skip = 2 * d;  // each direction has its own skip term
  return differentiable::selective_scan(scan, batch.offsets, kernels::Direction::kBackward);
}

/// Both directions of a block have the same parameters.
std::vector<SelectiveDynamics> BiMamba::selective_dynamics() const {
  std::vector<SelectiveDynamics> all;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const auto layer = static_cast<int64_t>(i) + 1;
    const at::Tensor a = -at::exp(blocks_[i].a_log.to(at::kDouble));
    const at::Tensor delta =
        at::softplus(blocks_[i].dt_proj.bias.to(at::kDouble)) + config_.delta_floor;
    all.push_back({layer, kernels::Direction::kForward, a, delta});
    all.push_back({layer, kernels::Direction::kBackward, a, delta});
  }
  return all;
}

}  // namespace

std::unique_ptr<Model> make_bimamba(const JsonObject& config, const Stored& /*stored*/) {
  return std::make_unique<BiMamba>(read_config(config));
}

}  // namespace ssmi::model
