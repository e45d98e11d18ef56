#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "ssmi/core/random.h"

namespace ssmi::probe {

/// How a probe without a convex loss is fitted: Adam, its step halved after each epoch that does
/// not lower the validation loss, until five in a row did not.
struct DescentOptions {
  double learning_rate = 1e-2;
  int64_t batch = 8;
  int64_t epochs = 200;  ///< at most
};

struct Descent {
  int64_t epochs = 0;  ///< done
  double validation_loss = 0;
};

/// Minimises the mean of loss(i) over i in [0, train), plus penalty(), over `parameters` (float32,
/// leaves of autograd's graph), in random order. They end as they were when validation() was
/// lowest.
struct Objective {
  std::vector<at::Tensor> parameters;
  size_t train = 0;
  std::function<at::Tensor(size_t item)> loss;
  std::function<at::Tensor()> penalty;  ///< none where it is empty
  std::function<double()> validation;
};

Descent descend(Objective& objective, const DescentOptions& options, Random& random);

/// [rows, columns] float32, uniform in (-0.05, 0.05), with a gradient.
at::Tensor initial_weights(int64_t rows, int64_t columns, Random& random);

}  // namespace ssmi::probe
