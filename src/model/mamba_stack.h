#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "affine.h"
#include "mamba_config.h"
#include "ssmi/model/model.h"

namespace ssmi::model {

/// What the blocks of Mamba, Falcon-Mamba and Mamba-2 have in common; absent biases are undefined.
struct MambaBlock {
  Affine norm, in_proj, conv, out_proj;
  at::Tensor a_log, d;
};

/// Embedding, blocks x <- x + out_proj mix(in_proj norm(x)), norm and head. What lies between the
/// two projections is the architecture's own.
class MambaStack : public Model {
 public:
  ModelInfo info() const override;
  void visit(const ParameterVisitor& visitor) override;
  std::vector<std::string> notes() const override { return stack_.notes; }
  void forward(const Batch& batch, const Tap& tap) const override;

 protected:
  explicit MambaStack(const MambaConfig& config);

  /// Shows what lies between the projections, but for what MambaBlock has.
  virtual void visit_mixer(const ParameterVisitor& visitor, const std::string& prefix,
                           size_t index) = 0;
  /// What out_proj is given, [S, E], of in_proj's output.
  virtual at::Tensor mix(size_t index, const at::Tensor& projected, const Batch& batch,
                         const Tap& tap) const = 0;
  virtual int64_t projected_width() const = 0;  ///< of in_proj's output
  virtual int64_t conv_channels() const = 0;
  virtual std::vector<int64_t> decay_shape() const = 0;  ///< of A_log
  virtual Initialiser initial_decay() const = 0;

  /// A linear layer's weight as the config begins it.
  Initialiser initial_linear(int64_t fan_in) const;
  /// The inverse softplus of step sizes that are log-uniform between the config's bounds.
  Initialiser initial_step_bias() const;

  /// The short convolution and its activation.
  at::Tensor convolve(size_t index, const at::Tensor& x, const Batch& batch) const;
  /// y times the gate's SiLU, as the taps see both.
  static at::Tensor gated(int64_t layer, at::Tensor y, const at::Tensor& gate, const Tap& tap);

  const MambaBlock& block(size_t index) const { return blocks_[index]; }

 private:
  void visit_block(const ParameterVisitor& visitor, const std::string& prefix, size_t index);
  void visit_norm(const ParameterVisitor& visitor, const std::string& name, Affine& norm) const;
  at::Tensor norm(const Affine& norm, const at::Tensor& x) const;
  /// What a block's out_proj is given.
  at::Tensor mixed(size_t index, const at::Tensor& x, const Batch& batch, const Tap& tap) const;
  /// x <- x + layer(inner), in the place of x where nobody keeps it.
  static void add_projected(const Affine& layer, const at::Tensor& inner, bool in_place,
                            at::Tensor& x);

  MambaConfig stack_;
  at::Tensor embedding_;  // [V, D]
  std::vector<MambaBlock> blocks_;
  Affine final_norm_;
  at::Tensor head_;  // [V, D]
};

}  // namespace ssmi::model
