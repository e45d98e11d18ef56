// Mamba (Gu and Dao 2023) and Falcon-Mamba, which normalises what the step, B and C are made of.

#include <ATen/TensorOperators.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/softplus.h>

#include <cmath>

#include "differentiable.h"
#include "mamba_config.h"
#include "mamba_stack.h"

namespace ssmi::model {
namespace {

struct Selection {
  at::Tensor x_proj;  // [R + 2N, E]
  Affine dt_proj;     // [E, R]
};

class Mamba : public MambaStack {
 public:
  explicit Mamba(const Mamba1Config& config)
      : MambaStack(config), config_(config), blocks_(static_cast<size_t>(config.layers)) {}

  std::vector<SelectiveDynamics> selective_dynamics() const override;

 protected:
  void visit_mixer(const ParameterVisitor& visitor, const std::string& prefix,
                   size_t index) override;
  at::Tensor mix(size_t index, const at::Tensor& projected, const Batch& batch,
                 const Tap& tap) const override;
  int64_t projected_width() const override { return 2 * config_.inner; }
  int64_t conv_channels() const override { return config_.inner; }
  std::vector<int64_t> decay_shape() const override { return {config_.inner, config_.states}; }
  Initialiser initial_decay() const override;

 private:
  /// The step's low-rank form, B and C of the convolution's output: [S, R], [S, N] and [S, N].
  std::vector<at::Tensor> select(const Selection& block, const at::Tensor& u) const;

  Mamba1Config config_;
  std::vector<Selection> blocks_;
};

void Mamba::visit_mixer(const ParameterVisitor& visitor, const std::string& prefix, size_t index) {
  const auto& c = config_;
  Selection& block = blocks_[index];
  visitor({prefix + "x_proj.weight", {c.rank + 2 * c.states, c.inner}, initial_linear(c.inner)},
          block.x_proj);
  const double bound = c.initial.step_scale / std::sqrt(static_cast<double>(c.rank));
  visitor({prefix + "dt_proj.weight",
           {c.inner, c.rank},
           c.initial.constant_step_weight ? constant(static_cast<float>(bound))
                                          : uniform(-bound, bound)},
          block.dt_proj.weight);
  visitor({prefix + "dt_proj.bias", {c.inner}, initial_step_bias(), true}, block.dt_proj.bias);
}

/// S4D-Real: every channel has the decays 1, 2 .. N.
Initialiser Mamba::initial_decay() const {
  return [states = static_cast<size_t>(config_.states)](Random&, std::span<float> out) {
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = std::log(static_cast<float>(i % states + 1));
  };
}

std::vector<at::Tensor> Mamba::select(const Selection& block, const at::Tensor& u) const {
  std::vector<at::Tensor> parts =
      at::linear(u, block.x_proj)
          .split_with_sizes({config_.rank, config_.states, config_.states}, 1);
  if (config_.selected_epsilon) {
    for (at::Tensor& part : parts)
      part = differentiable::rms_norm({.x = part, .epsilon = *config_.selected_epsilon});
  }
  return parts;
}

at::Tensor Mamba::mix(size_t index, const at::Tensor& projected, const Batch& batch,
                      const Tap& tap) const {
  const auto layer = static_cast<int64_t>(index) + 1;
  const MambaBlock& shared = block(index);
  at::Tensor u = convolve(index, projected.slice(1, 0, config_.inner), batch);
  tap(Site::kConvOutput, layer, u);
  const auto parts = select(blocks_[index], u);
  kernels::SelectiveScan scan{.u = u,
                              .delta = blocks_[index].dt_proj(parts[0]),  // [S, E]
                              .a = -at::exp(shared.a_log),
                              .b = parts[1],
                              .c = parts[2],
                              .softplus = !tap.wants(Site::kDelta, layer),
                              .skip = shared.d};
  if (!scan.softplus) {
    scan.delta = at::softplus(scan.delta);
    tap(Site::kDelta, layer, scan.delta);
  }
  const at::Tensor gate = projected.slice(1, config_.inner);
  // Only what is looked at is made: the gate's SiLU is the scan's otherwise.
  const bool fused = !tap.wants(Site::kStateOutput, layer) && !tap.wants(Site::kGate, layer);
  if (fused) scan.gate = gate;
  scan.out = fused && scan.softplus ? scan.delta : at::Tensor();
  at::Tensor y = differentiable::selective_scan(scan, batch.offsets, kernels::Direction::kForward);
  return fused ? y : gated(layer, y, gate, tap);
}

std::vector<SelectiveDynamics> Mamba::selective_dynamics() const {
  std::vector<SelectiveDynamics> all;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    all.push_back({static_cast<int64_t>(i) + 1, kernels::Direction::kForward,
                   -at::exp(block(i).a_log.to(at::kDouble)),
                   at::softplus(blocks_[i].dt_proj.bias.to(at::kDouble))});
  }
  return all;
}

}  // namespace

std::unique_ptr<Model> make_mamba(const JsonObject& config, const Stored& stored) {
  return std::make_unique<Mamba>(read_mamba_config(config, stored));
}

std::unique_ptr<Model> make_falcon_mamba(const JsonObject& config, const Stored& stored) {
  return std::make_unique<Mamba>(read_falcon_mamba_config(config, stored));
}

std::unique_ptr<Model> make_mamba_ssm(const JsonObject& config, const Stored& stored) {
  return is_mamba2_ssm(config) ? make_mamba2_ssm(config, stored)
                               : std::make_unique<Mamba>(read_mamba_ssm_config(config, stored));
}

}  // namespace ssmi::model
