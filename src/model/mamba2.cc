// Mamba-2 (Dao and Gu 2024): heads with one decay each, B and C shared by the heads of a group, and
// a norm after the gate.

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/softplus.h>

#include <cmath>

#include "differentiable.h"
#include "mamba_config.h"
#include "mamba_stack.h"

namespace ssmi::model {
namespace {

struct Heads {
  at::Tensor step_bias;  // [H]
  at::Tensor norm;       // [E]
};

class Mamba2 : public MambaStack {
 public:
  explicit Mamba2(const Mamba2Config& config)
      : MambaStack(config), config_(config), blocks_(static_cast<size_t>(config.layers)) {}

  std::vector<SelectiveDynamics> selective_dynamics() const override;

 protected:
  void visit_mixer(const ParameterVisitor& visitor, const std::string& prefix,
                   size_t index) override;
  at::Tensor mix(size_t index, const at::Tensor& projected, const Batch& batch,
                 const Tap& tap) const override;
  int64_t projected_width() const override {
    return config_.inner + conv_channels() + config_.heads;
  }
  int64_t conv_channels() const override { return config_.inner + 2 * maps(); }
  std::vector<int64_t> decay_shape() const override { return {config_.heads}; }
  Initialiser initial_decay() const override;

 private:
  int64_t maps() const { return config_.groups * config_.states; }  // the width of B and of C
  at::Tensor steps(const at::Tensor& raw) const {
    return at::clamp(at::softplus(raw), config_.step_min, config_.step_max);
  }

  Mamba2Config config_;
  std::vector<Heads> blocks_;
};

void Mamba2::visit_mixer(const ParameterVisitor& visitor, const std::string& prefix, size_t index) {
  visitor({prefix + "dt_bias", {config_.heads}, initial_step_bias(), true},
          blocks_[index].step_bias);
  visitor({prefix + "norm.weight", {config_.inner}, constant(1)}, blocks_[index].norm);
}

Initialiser Mamba2::initial_decay() const {
  const auto& initial = config_.initial;
  return [initial](Random& random, std::span<float> out) {
    for (size_t i = 0; i < out.size(); ++i) {
      const double drawn =
          initial.decay_min + (initial.decay_max - initial.decay_min) * random.uniform();
      out[i] =
          static_cast<float>(std::log(initial.counted_decay ? static_cast<double>(i + 1) : drawn));
    }
  };
}

at::Tensor Mamba2::mix(size_t index, const at::Tensor& projected, const Batch& batch,
                       const Tap& tap) const {
  const auto layer = static_cast<int64_t>(index) + 1;
  const MambaBlock& shared = block(index);
  const auto parts = projected.split_with_sizes({config_.inner, conv_channels(), config_.heads}, 1);
  at::Tensor convolved = convolve(index, parts[1], batch);
  tap(Site::kConvOutput, layer, convolved);  // x, B and C
  const auto inputs = convolved.split_with_sizes({config_.inner, maps(), maps()}, 1);
  at::Tensor delta = steps(parts[2] + blocks_[index].step_bias);  // [S, H]
  tap(Site::kDelta, layer, delta);
  at::Tensor y = differentiable::ssd(
      {inputs[0], delta, -at::exp(shared.a_log), inputs[1], inputs[2], shared.d, config_.groups},
      batch.offsets);
  kernels::RmsNorm norm{.x = y,
                        .weight = blocks_[index].norm,
                        .epsilon = config_.norm_epsilon,
                        .groups = config_.groups};
  if (tap.wants(Site::kStateOutput, layer) || tap.wants(Site::kGate, layer)) {
    norm.x = gated(layer, y, parts[0], tap);
  } else {
    norm.gate = parts[0];
    norm.out = y;
  }
  return differentiable::rms_norm(norm);
}

std::vector<SelectiveDynamics> Mamba2::selective_dynamics() const {
  std::vector<SelectiveDynamics> all;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    all.push_back({static_cast<int64_t>(i) + 1, kernels::Direction::kForward,
                   -at::exp(block(i).a_log.to(at::kDouble)).unsqueeze(1),
                   steps(blocks_[i].step_bias.to(at::kDouble))});
  }
  return all;
}

}  // namespace

std::unique_ptr<Model> make_mamba2(const JsonObject& config, const Stored& stored) {
  return std::make_unique<Mamba2>(read_mamba2_config(config, stored));
}

std::unique_ptr<Model> make_mamba2_ssm(const JsonObject& config, const Stored& stored) {
  return std::make_unique<Mamba2>(read_mamba2_ssm_config(config, stored));
}

}  // namespace ssmi::model
