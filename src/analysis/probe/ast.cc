#include "ssmi/analysis/probe/ast.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/gt.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "descent.h"

namespace ssmi::probe {
namespace {

constexpr double kOrthogonality = 5;

/// What a loss needs of a function besides its vectors.
struct Target {
  at::Tensor higher;  ///< [T - 1, T - 1], 1 / (how many) where height i is above height j
  at::Tensor labels, unary;
};

std::vector<Target> targets_of(std::span<const LeafTuple> functions) {
  std::vector<Target> targets;
  for (const LeafTuple& function : functions) {
    const at::Tensor heights = at::tensor(function.heights, at::kLong);
    const at::Tensor higher = at::gt(heights.unsqueeze(1), heights.unsqueeze(0)).to(at::kFloat);
    const double count = std::max(1.0, higher.sum().item<double>());
    targets.push_back({higher / count, at::tensor(function.labels, at::kLong),
                       at::tensor(function.unary, at::kLong)});
  }
  return targets;
}

struct Scores {
  at::Tensor heights, labels, unary;  ///< [T - 1], [T - 1, C], [T, U]
};

Scores scores_of(const AstProbe& probe, const at::Tensor& vectors) {
  const at::Tensor z = at::mm(vectors, probe.projection.t());
  const int64_t gaps = z.size(0) - 1;
  const at::Tensor step = z.narrow(0, 1, gaps) - z.narrow(0, 0, gaps);
  return {(step * step).sum(1), at::mm(step, probe.labels.t()), at::mm(z, probe.unary.t())};
}

/// The mean over the rows whose target is known; 0 where none is.
at::Tensor cross_entropy(const at::Tensor& scores, const at::Tensor& target) {
  constexpr int64_t kUnknown = -1, kMean = 1, kSum = 2;
  const bool any = at::gt(target, kUnknown).any().item<bool>();
  return at::cross_entropy_loss(scores, target, {}, any ? kMean : kSum, kUnknown);
}

at::Tensor loss_of(const AstProbe& probe, const LeafTuple& function, const Target& target) {
  const Scores scores = scores_of(probe, function.vectors);
  const at::Tensor above = scores.heights.unsqueeze(1) - scores.heights.unsqueeze(0);
  return (at::relu(1 - above) * target.higher).sum() + cross_entropy(scores.labels, target.labels) +
         cross_entropy(scores.unary, target.unary);
}

template <typename T>
std::vector<T> values_of(const at::Tensor& tensor) {
  const at::Tensor whole = tensor.contiguous();
  const T* begin = whole.const_data_ptr<T>();
  return {begin, begin + whole.numel()};
}

}  // namespace

AstProbe fit_ast(std::span<const LeafTuple> train, std::span<const LeafTuple> validation,
                 int64_t rank, int64_t labels, int64_t unary, Random& random) {
  AstProbe probe{.projection = initial_weights(rank, train.front().vectors.size(1), random),
                 .labels = initial_weights(labels, rank, random),
                 .unary = initial_weights(unary, rank, random)};
  const auto train_targets = targets_of(train), validation_targets = targets_of(validation);
  const at::Tensor identity = at::eye(rank, at::kFloat);
  Objective objective{
      .parameters = {probe.projection, probe.labels, probe.unary},
      .train = train.size(),
      .loss = [&](size_t i) { return loss_of(probe, train[i], train_targets[i]); },
      .penalty =
          [&] {
            const at::Tensor off = at::mm(probe.projection, probe.projection.t()) - identity;
            return (off * off).sum() * kOrthogonality;
          },
      .validation =
          [&] {
            double sum = 0;
            for (size_t i = 0; i < validation.size(); ++i)
              sum += loss_of(probe, validation[i], validation_targets[i]).item<double>();
            return sum / static_cast<double>(validation.size());
          },
  };
  const Descent descent = descend(objective, {}, random);
  for (at::Tensor* weights : {&probe.projection, &probe.labels, &probe.unary})
    *weights = weights->detach();
  probe.epochs = descent.epochs;
  probe.validation_loss = descent.validation_loss;
  return probe;
}

PredictedTuple predict(const AstProbe& probe, const at::Tensor& vectors) {
  const Scores scores = scores_of(probe, vectors);
  return {values_of<double>(scores.heights.to(at::kDouble)),
          values_of<int64_t>(scores.labels.argmax(1)), values_of<int64_t>(scores.unary.argmax(1))};
}

}  // namespace ssmi::probe
