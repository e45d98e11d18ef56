#include "descent.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <limits>
#include <numeric>

#include "ssmi/core/error.h"
#include "ssmi/core/progress.h"

namespace ssmi::probe {
namespace {

/// Adam (Kingma and Ba 2015) with its usual constants.
class Adam {
 public:
  explicit Adam(std::vector<at::Tensor>& parameters) : parameters_(parameters) {
    for (const at::Tensor& parameter : parameters) {
      averages_.push_back(at::zeros_like(parameter));
      squares_.push_back(at::zeros_like(parameter));
    }
  }

  void step(double learning_rate) {
    const at::NoGradGuard no_gradients;
    const at::Tensor count = at::full({}, static_cast<double>(++steps_), at::kFloat);
    const std::vector<at::Tensor> counts(parameters_.size(), count);
    std::vector<at::Tensor> gradients;
    for (const at::Tensor& parameter : parameters_)
      gradients.push_back(parameter.grad());
    at::_fused_adam_(parameters_, gradients, averages_, squares_, {}, counts, learning_rate, 0.9,
                     0.999, 0, 1e-8, false, false);
    for (at::Tensor& parameter : parameters_)
      parameter.mutable_grad().reset();
  }

 private:
  std::vector<at::Tensor>& parameters_;
  std::vector<at::Tensor> averages_, squares_;
  int64_t steps_ = 0;
};

void run_epoch(Objective& objective, Adam& adam, std::span<const size_t> order, int64_t batch,
               double learning_rate) {
  for (size_t begin = 0; begin < order.size(); begin += static_cast<size_t>(batch)) {
    const auto items =
        order.subspan(begin, std::min(static_cast<size_t>(batch), order.size() - begin));
    at::Tensor sum = objective.loss(items.front());
    for (const size_t item : items.subspan(1))
      sum = sum + objective.loss(item);
    sum = sum / static_cast<double>(items.size());
    if (objective.penalty) sum = sum + objective.penalty();
    sum.backward();
    adam.step(learning_rate);
  }
}

}  // namespace

Descent descend(Objective& objective, const DescentOptions& options, Random& random) {
  constexpr int64_t kPatience = 5;
  const at::AutoGradMode gradients(true);
  std::vector<size_t> order(objective.train);
  std::iota(order.begin(), order.end(), size_t{0});
  Adam adam(objective.parameters);
  Descent descent{0, std::numeric_limits<double>::infinity()};
  std::vector<at::Tensor> best;
  double learning_rate = options.learning_rate;
  for (int64_t since = 0; since < kPatience && descent.epochs < options.epochs; ++descent.epochs) {
    check_interrupted();
    random.shuffle(std::span(order));
    run_epoch(objective, adam, order, options.batch, learning_rate);
    const at::NoGradGuard no_gradients;
    const double loss = objective.validation();
    if (loss < descent.validation_loss) {
      descent.validation_loss = loss;
      best.clear();
      for (const at::Tensor& parameter : objective.parameters)
        best.push_back(parameter.detach().clone());
      since = 0;
    } else {
      learning_rate /= 2;
      ++since;
    }
  }
  if (best.empty()) bad_input("a probe of trees has no finite loss on these vectors");
  const at::NoGradGuard no_gradients;
  for (size_t i = 0; i < best.size(); ++i)
    objective.parameters[i].copy_(best[i]);
  return descent;
}

at::Tensor initial_weights(int64_t rows, int64_t columns, Random& random) {
  at::Tensor weights = at::empty({rows, columns}, at::kFloat);
  float* value = weights.mutable_data_ptr<float>();
  for (int64_t i = 0; i < weights.numel(); ++i)
    value[i] = static_cast<float>(0.1 * random.uniform() - 0.05);
  return weights.set_requires_grad(true);
}

}  // namespace ssmi::probe
