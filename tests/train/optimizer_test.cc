#include "ssmi/train/optimizer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/randn_like.h>

#include <cmath>
#include <map>

#include "support.h"
#include "tiny.h"

namespace ssmi::train {
namespace {

struct Setting {
  explicit Setting(const TrainConfig& config)
      : model(model::make_model(config.model, "tiny.json")) {
    model::initialise(*model, 1);
    optimizer = std::make_unique<AdamW>(*model, config);
  }
  /// Gives every parameter such a gradient and keeps the values before and the gradients.
  void set_gradients(double scale) {
    model::visit_distinct(*model, [&](const model::Parameter& parameter, at::Tensor& tensor) {
      before[parameter.name] = tensor.detach().clone();
      gradients[parameter.name] = scale * at::randn_like(before[parameter.name]);
      tensor.mutable_grad() = gradients[parameter.name].clone();
    });
  }
  double norm() const {
    double sum = 0;
    for (const auto& [name, gradient] : gradients)
      sum += gradient.square().sum().item<double>();
    return std::sqrt(sum);
  }

  std::unique_ptr<model::Model> model;
  std::unique_ptr<AdamW> optimizer;
  std::map<std::string, at::Tensor> before, gradients;
};

/// Loshchilov and Hutter 2019, algorithm 2, in float64 for two steps of constant gradients g: both
/// moments are unbiased, so each step is p <- p - rate (g / (|g| + epsilon) + decay p).
at::Tensor expected(const at::Tensor& p, const at::Tensor& g, double rate, double decay,
                    double epsilon) {
  const at::Tensor wide = p.to(at::kDouble), slope = g.to(at::kDouble);
  return wide - rate * (slope / (slope.abs() + epsilon) + decay * wide);
}

TEST_CASE("train optimizer: matrices decay, state-space parameters have a rate of their own") {
  TrainConfig config = test::tiny_config();
  config.clip = 0;
  Setting setting(config);
  for (int64_t step = 1; step <= 2; ++step) {
    if (step == 1) setting.set_gradients(0.1);
    std::map<std::string, at::Tensor> wanted;
    model::visit_distinct(*setting.model, [&](const model::Parameter& parameter,
                                              at::Tensor& tensor) {
      const double rate = parameter.state_space ? config.state_learning_rate : config.learning_rate;
      const bool decays = parameter.shape.size() > 1 && !parameter.state_space;
      tensor.mutable_grad() = setting.gradients.at(parameter.name).clone();
      wanted[parameter.name] =
          expected(tensor.detach(), setting.gradients.at(parameter.name), rate * 0.5,
                   decays ? config.weight_decay : 0, config.epsilon);
    });
    CHECK(setting.optimizer->step(0.5) == doctest::Approx(setting.norm()));
    CHECK(setting.optimizer->steps() == step);
    model::visit_distinct(*setting.model, [&](const model::Parameter& parameter,
                                              at::Tensor& tensor) {
      CAPTURE(parameter.name);
      CHECK(at::allclose(tensor.detach().to(at::kDouble), wanted.at(parameter.name), 1e-5, 1e-7));
      CHECK_FALSE(tensor.grad().defined());
    });
  }
}

TEST_CASE("train optimizer: gradients are clipped to a norm") {
  TrainConfig config = test::tiny_config();
  config.clip = 2;
  Setting setting(config);
  setting.set_gradients(100);
  const double norm = setting.norm();
  CHECK(norm > 2);
  CHECK(setting.optimizer->step(1) == doctest::Approx(norm));
  setting.optimizer->visit_state([&](const std::string& name, at::Tensor& tensor) {
    if (!name.ends_with(".average")) return;
    const at::Tensor& gradient = setting.gradients.at(name.substr(0, name.size() - 8));
    const at::Tensor wanted = gradient * ((1 - config.beta1) * 2 / norm);
    CHECK(at::allclose(tensor, wanted, 1e-4, 1e-9));
  });
}

TEST_CASE("train optimizer: nothing is updated where the gradient is not finite") {
  Setting setting(test::tiny_config());
  setting.set_gradients(1);
  model::visit_distinct(*setting.model, [&](const model::Parameter& parameter, at::Tensor& tensor) {
    if (parameter.shape.size() == 1) tensor.mutable_grad() = at::full_like(tensor, NAN);
  });
  CHECK_FALSE(std::isfinite(setting.optimizer->step(1)));
  CHECK(setting.optimizer->steps() == 0);
  model::visit_distinct(*setting.model, [&](const model::Parameter& parameter, at::Tensor& tensor) {
    CHECK(tensor.detach().equal(setting.before.at(parameter.name)));
  });
}

}  // namespace
}  // namespace ssmi::train
