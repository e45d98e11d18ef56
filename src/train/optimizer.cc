#include "ssmi/train/optimizer.h"

#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "ssmi/core/error.h"

namespace ssmi::train {
namespace {

enum : size_t { kMatrices, kVectors, kStateSpace };

size_t group_of(const model::Parameter& parameter) {
  if (parameter.state_space) return kStateSpace;
  return parameter.shape.size() > 1 ? kMatrices : kVectors;
}

}  // namespace

AdamW::AdamW(model::Model& model, const TrainConfig& config)
    : groups_{{config.learning_rate, config.weight_decay, {}, {}, {}, {}},
              {config.learning_rate, 0, {}, {}, {}, {}},
              {config.state_learning_rate, 0, {}, {}, {}, {}}},
      beta1_(config.beta1),
      beta2_(config.beta2),
      epsilon_(config.epsilon),
      clip_(config.clip) {
  model::visit_distinct(model, [&](const model::Parameter& parameter, at::Tensor& tensor) {
    Group& group = groups_[group_of(parameter)];
    tensor.set_requires_grad(true);
    group.names.push_back(parameter.name);
    group.parameters.push_back(tensor);
    group.averages.push_back(at::zeros_like(tensor));
    group.squares.push_back(at::zeros_like(tensor));
  });
}

double AdamW::step(double factor) {
  const at::NoGradGuard no_gradients;
  const double norm = clip_gradients();
  if (!std::isfinite(norm)) return norm;
  ++steps_;
  const at::Tensor count = at::full({}, static_cast<double>(steps_), at::kFloat);
  for (Group& group : groups_) {
    std::vector<at::Tensor> gradients;
    for (const at::Tensor& parameter : group.parameters)
      gradients.push_back(parameter.grad());
    if (gradients.empty()) continue;
    const std::vector<at::Tensor> counts(gradients.size(), count);
    at::_fused_adamw_(group.parameters, gradients, group.averages, group.squares, {}, counts,
                      group.learning_rate * factor, beta1_, beta2_, group.weight_decay, epsilon_,
                      false, false);
    for (at::Tensor& parameter : group.parameters)
      parameter.mutable_grad().reset();
  }
  return norm;
}

double AdamW::clip_gradients() {
  std::vector<at::Tensor> gradients;
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.parameters.size(); ++i) {
      if (!group.parameters[i].grad().defined()) {
        fail(ExitCode::kBug, "parameter '{}' got no gradient", group.names[i]);
      }
      gradients.push_back(group.parameters[i].grad());
    }
  }
  const double norm = at::stack(at::_foreach_norm(gradients)).norm().item<double>();
  if (clip_ > 0 && norm > clip_) at::_foreach_mul_(gradients, at::Scalar(clip_ / norm));
  return norm;
}

void AdamW::visit_state(const std::function<void(const std::string& name, at::Tensor&)>& visitor) {
  for (Group& group : groups_) {
    for (size_t i = 0; i < group.names.size(); ++i) {
      visitor(group.names[i] + ".average", group.averages[i]);
      visitor(group.names[i] + ".square", group.squares[i]);
    }
  }
}

}  // namespace ssmi::train
