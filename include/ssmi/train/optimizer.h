#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ssmi/model/model.h"
#include "ssmi/train/config.h"

namespace ssmi::train {

/// AdamW (Loshchilov and Hutter 2019, algorithm 2), fused, over a model's parameters in three
/// groups: matrices, which decay; norms and biases; state-space parameters, which have a learning
/// rate of their own. The last two do not decay.
class AdamW {
 public:
  /// Makes every parameter ask for its gradient.
  AdamW(model::Model& model, const TrainConfig& config);

  /// Scales the gradients to the norm of at most `clip`, updates the parameters at learning rates
  /// times `factor`, and drops the gradients. Returns the norm before. Where that is not finite
  /// nothing is updated.
  double step(double factor);

  /// Shows the state, float32, under names of its own, in a fixed order, to be saved or filled.
  void visit_state(const std::function<void(const std::string& name, at::Tensor&)>& visitor);
  /// Updates done. A restored state needs it set.
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  struct Group {
    double learning_rate, weight_decay;
    std::vector<std::string> names;
    std::vector<at::Tensor> parameters, averages, squares;
  };
  double clip_gradients();

  std::vector<Group> groups_;
  double beta1_, beta2_, epsilon_, clip_;
  int64_t steps_ = 0;
};

}  // namespace ssmi::train
