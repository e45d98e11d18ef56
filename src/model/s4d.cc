// S4D (Gu, Gupta, Goel and Re 2022) as its authors publish it: the layers of s4d.py or of the
// library's S4Block in the network of their example, whose input here is a token's row.

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/sigmoid.h>
#include <fmt/format.h>

#include "affine.h"
#include "architectures.h"
#include "config_keys.h"
#include "differentiable.h"
#include "s4d_kernel.h"
#include "s4d_library.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::model {
namespace {

struct Config {
  S4dKernelConfig kernel;
  int64_t vocab, layers;
  int64_t labels;  ///< 0: the checkpoint has no decoder
  double norm_epsilon;
  bool prenorm;
  bool is_table;  ///< the encoder is a table of rows, not a linear layer
};

/// The value of a key that is one of two words; false for the first, which is the default.
bool is_second(const JsonObject& config, const char* key, std::string_view first,
               std::string_view second) {
  if (!config.has(key)) return false;
  const std::string value = config.string(key);
  if (value == first || value == second) return value == second;
  bad_input("{}: '{}' is '{}', expected {} or {}", config.where(), key, excerpt(value), first,
            second);
}

Config read_config(const JsonObject& config, const Stored& stored) {
  const S4dKernelConfig kernel = read_s4d_kernel(config, stored);
  if (kernel.directions != 1) {
    bad_input("{}: 'bidirectional' is true, supported only with 'network' library", config.where());
  }
  const bool has_decoder = !stored.known() || stored.find("decoder.weight") != nullptr;
  return {.kernel = kernel,
          .vocab = config.integer("vocab_size", 1, kMaxExtent),
          .layers = config.integer("num_hidden_layers", 1, kMaxLayers),
          .labels = has_decoder ? config.integer("num_labels", 1, kMaxExtent) : 0,
          .norm_epsilon = epsilon_or(config, "layer_norm_eps", 1e-5),
          .prenorm = config.has("prenorm") && config.boolean("prenorm"),
          .is_table = is_second(config, "encoder", "linear", "embedding")};
}

struct Block {
  S4dKernel kernel;
  at::Tensor skip;  // [H] or [1, H]
  Affine out;       // [2H, H, 1]
  Affine norm;
};

class S4d : public Model {
 public:
  explicit S4d(const Config& config)
      : config_(config), blocks_(static_cast<size_t>(config.layers)) {}

  ModelInfo info() const override;
  void visit(const ParameterVisitor& visitor) override;
  std::vector<std::string> notes() const override;
  void forward(const Batch& batch, const Tap& tap) const override;
  std::vector<StateKernels> state_kernels(at::ScalarType type) const override;

 private:
  at::Tensor embed(const Batch& batch) const;
  at::Tensor mix(const Block& block, int64_t layer, const at::Tensor& x, const Batch& batch,
                 const Tap& tap) const;
  at::Tensor norm(const Affine& norm, const at::Tensor& x) const {
    return at::layer_norm(x, {config_.kernel.width}, norm.weight, norm.bias, config_.norm_epsilon);
  }

  Config config_;
  Affine encoder_, decoder_;
  std::vector<Block> blocks_;
};

ModelInfo S4d::info() const {
  ModelInfo info{"s4d",
                 config_.layers,
                 config_.kernel.width,
                 config_.vocab,
                 {Site::kEmbedding, Site::kBlockInput, Site::kMixerInput, Site::kStateOutput,
                  Site::kGate, Site::kMixerOutput, Site::kBlockOutput},
                 "",
                 true};
  info.causal = true;
  if (config_.labels > 0) info.sites.push_back(Site::kLogits);
  return info;
}

std::vector<std::string> S4d::notes() const {
  if (config_.labels > 0) return {};
  return {"no head: there is no 'decoder.weight', so there are no logits"};
}

void S4d::visit(const ParameterVisitor& visitor) {
  const int64_t width = config_.kernel.width;
  const bool library = config_.kernel.names == S4dNames::kLibrary;
  const auto linear = [&](const std::string& name, std::vector<int64_t> shape, Affine& to) {
    const int64_t out = shape[0];
    visitor({name + ".weight", shape, lecun_normal(shape[1])}, to.weight);
    visitor({name + ".bias", {out}, constant(0)}, to.bias);
  };
  if (config_.is_table) {
    visitor({"encoder.weight", {config_.vocab, width}, normal(1)}, encoder_.weight);
  } else {
    linear("encoder", {width, config_.vocab}, encoder_);
  }
  for (size_t i = 0; i < blocks_.size(); ++i) {
    Block& block = blocks_[i];
    const std::string prefix = fmt::format("s4_layers.{}.", i);
    const std::string inner = prefix + (library ? "layer." : "");
    const std::vector<int64_t> channels{width}, one_and_channels{1, width};
    visitor({inner + "D", library ? one_and_channels : channels, normal(1), true}, block.skip);
    block.kernel.visit(config_.kernel, inner + "kernel.", visitor);
    linear(prefix + "output_linear.0", {2 * width, width, 1}, block.out);
  }
  for (size_t i = 0; i < blocks_.size(); ++i)
    visit_norm(visitor, fmt::format("norms.{}", i), width, blocks_[i].norm);
  if (config_.labels > 0) {
    visit_linear(as_head(visitor), "decoder", config_.labels, width, lecun_normal(width), decoder_);
  }
}

void S4d::forward(const Batch& batch, const Tap& tap) const {
  at::Tensor x = embed(batch);  // [S, H]
  tap(Site::kEmbedding, 0, x);
  const int64_t depth = tap.depth(config_.layers);
  for (int64_t layer = 1; layer <= depth; ++layer) {
    const Block& block = blocks_[static_cast<size_t>(layer - 1)];
    tap(Site::kBlockInput, layer, x);
    at::Tensor mixed = mix(block, layer, x, batch, tap);
    tap(Site::kMixerOutput, layer, mixed);
    x = x + mixed;
    if (!config_.prenorm) x = norm(block.norm, x);
    tap(Site::kBlockOutput, layer, x);
  }
  if (config_.labels == 0 || !tap.wants(Site::kLogits, 0)) return;
  at::Tensor logits = decoder_(row_means(x, batch.offsets));  // [rows, labels]
  tap(Site::kLogits, 0, logits);
}

at::Tensor S4d::embed(const Batch& batch) const {
  if (config_.is_table) return encoder_.weight.index_select(0, batch.ids);
  // A linear layer on a one-hot row picks a column.
  return encoder_.weight.index_select(1, batch.ids).t() + encoder_.bias;
}

at::Tensor S4d::mix(const Block& block, int64_t layer, const at::Tensor& x, const Batch& batch,
                    const Tap& tap) const {
  at::Tensor input = config_.prenorm ? norm(block.norm, x) : x;
  tap(Site::kMixerInput, layer, input);
  at::Tensor taps = differentiable::state_kernels(block.kernel.modes(config_.kernel, at::kDouble),
                                                  longest_row(batch.offsets));  // [H, T]
  taps.select(1, 0).add_(block.skip.reshape({-1}));
  at::Tensor y = differentiable::long_convolution(input, taps.to(x.scalar_type()), batch.offsets,
                                                  kernels::Direction::kForward);
  tap(Site::kStateOutput, layer, y);
  const auto halves =
      at::linear(at::gelu(y), block.out.weight.squeeze(-1), block.out.bias).chunk(2, 1);
  at::Tensor gate = at::sigmoid(halves[1]);  // [S, H]
  tap(Site::kGate, layer, gate);
  return halves[0] * gate;
}

std::vector<StateKernels> S4d::state_kernels(at::ScalarType type) const {
  std::vector<StateKernels> all;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    all.push_back({static_cast<int64_t>(i) + 1, kernels::Direction::kForward,
                   blocks_[i].kernel.modes(config_.kernel, type),
                   blocks_[i].skip.reshape({-1}).to(type)});
  }
  return all;
}

}  // namespace

std::unique_ptr<Model> make_s4d(const JsonObject& config, const Stored& stored) {
  if (is_second(config, "network", "example", "library")) return make_s4d_library(config, stored);
  return std::make_unique<S4d>(read_config(config, stored));
}

}  // namespace ssmi::model
