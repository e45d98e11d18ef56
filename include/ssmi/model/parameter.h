#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ssmi/core/random.h"

namespace ssmi::model {

/// Fills a freshly allocated float32 parameter.
using Initialiser = std::function<void(Random&, std::span<float>)>;

/// What a model says of each of its parameters. Loader, saver, counter and initialiser are
/// visitors.
struct Parameter {
  std::string name;               ///< as in a checkpoint
  std::vector<int64_t> shape;     ///< as the config implies it
  Initialiser initial;            ///< the architecture's own initialisation
  bool state_space = false;       ///< decides a state's dynamics: float32 whatever the others are
  const char* tied_to = nullptr;  ///< the parameter, shown before, whose values it shares
  bool head = false;              ///< belongs to the head: needed for logits alone
};

using ParameterVisitor = std::function<void(const Parameter&, at::Tensor&)>;

/// The visitor, shown every parameter as one of the head.
ParameterVisitor as_head(const ParameterVisitor& visitor);

Initialiser constant(float value);
Initialiser uniform(double low, double high);
/// PyTorch's own for linear layers and convolutions: uniform within scale / sqrt(fan_in).
Initialiser uniform_by_fan_in(int64_t fan_in, double scale = 1);
Initialiser normal(double standard_deviation);
/// Of a table of rows of `width`; row `zeros` is 0, none if it is negative.
Initialiser normal_rows(double standard_deviation, int64_t width, int64_t zeros);
/// LeCun's normal: variance 1 / fan_in, drawn from a normal cut off at two standard deviations and
/// scaled back to that variance, as jax.nn.initializers.lecun_normal does.
Initialiser lecun_normal(int64_t fan_in);

}  // namespace ssmi::model
