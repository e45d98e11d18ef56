// S4D (Gu, Gupta, Goel and Re 2022) as its authors publish it: the layers of s4d.py or of the
// library's S4Block in the network of their example, whose input here is a token's row.

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/glu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <fmt/format.h>

#include "affine.h"
#include "architectures.h"
#include "s4d_kernel.h"
#include "ssmi/core/error.h"
#include "ssmi/kernels/fft_convolution.h"

namespace ssmi::model {
namespace {

constexpr int64_t kMaxExtent = 1 << 24;
constexpr int64_t kMaxLayers = 1024;

struct Config {
  S4dKernelConfig kernel;
  int64_t vocab, layers, labels;
  double norm_epsilon;
  bool prenorm;
};

Config read_config(const JsonObject& config, const Stored& stored) {
  return {.kernel = read_s4d_kernel(config, stored),
          .vocab = config.integer("vocab_size", 1, kMaxExtent),
          .layers = config.integer("num_hidden_layers", 1, kMaxLayers),
          .labels = config.integer("num_labels", 1, kMaxExtent),
          .norm_epsilon = config.has("layer_norm_eps") ? config.number("layer_norm_eps") : 1e-5,
          .prenorm = config.has("prenorm") && config.boolean("prenorm")};
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
  void forward(const Batch& batch, const Tap& tap) const override;
  std::vector<StateKernels> state_kernels(at::ScalarType type) const override;

 private:
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
  return {"s4d",
          config_.layers,
          config_.kernel.width,
          config_.vocab,
          {Site::kEmbedding, Site::kBlockInput, Site::kMixerInput, Site::kStateOutput,
           Site::kMixerOutput, Site::kBlockOutput, Site::kLogits},
          "",
          true};
}

void S4d::visit(const ParameterVisitor& visitor) {
  const int64_t width = config_.kernel.width;
  const bool library = config_.kernel.names == S4dNames::kLibrary;
  const auto linear = [&](const std::string& name, std::vector<int64_t> shape, Affine& to) {
    const int64_t out = shape[0];
    visitor({name + ".weight", shape, lecun_normal(shape[1])}, to.weight);
    visitor({name + ".bias", {out}, constant(0)}, to.bias);
  };
  linear("encoder", {width, config_.vocab}, encoder_);
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
  linear("decoder", {config_.labels, width}, decoder_);
}

void S4d::forward(const Batch& batch, const Tap& tap) const {
  // A linear layer on a one-hot row picks a column.
  at::Tensor x = encoder_.weight.index_select(1, batch.ids).t() + encoder_.bias;  // [S, H]
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
  if (!tap.wants(Site::kLogits, 0)) return;
  at::Tensor logits = decoder_(row_means(x, batch.offsets));  // [rows, labels]
  tap(Site::kLogits, 0, logits);
}

at::Tensor S4d::mix(const Block& block, int64_t layer, const at::Tensor& x, const Batch& batch,
                    const Tap& tap) const {
  at::Tensor input = config_.prenorm ? norm(block.norm, x) : x;
  tap(Site::kMixerInput, layer, input);
  at::Tensor taps = kernels::state_kernels(block.kernel.modes(config_.kernel, at::kDouble),
                                           longest_row(batch.offsets));  // [H, T]
  taps.select(1, 0).add_(block.skip.reshape({-1}));
  at::Tensor y = kernels::fft_convolution(input, taps.to(x.scalar_type()), batch.offsets,
                                          kernels::Direction::kForward);
  tap(Site::kStateOutput, layer, y);
  return at::glu(at::linear(at::gelu(y), block.out.weight.squeeze(-1), block.out.bias), 1);
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
  return std::make_unique<S4d>(read_config(config, stored));
}

}  // namespace ssmi::model
