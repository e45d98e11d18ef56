#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "ssmi/analysis/probe/design.h"

namespace ssmi::probe {

struct LogisticOptions {
  double l2 = 1e-2;
  double gradient_tolerance = 1e-6;  ///< on the Euclidean norm of the whole gradient
  int64_t max_iterations = 2000;
};

struct LogisticFit {
  at::Tensor weights;  ///< [K, d] float64
  at::Tensor bias;     ///< [K] float64; -infinity for a class without rows
  double objective = 0;
  double gradient_norm = 0;  ///< Euclidean, at the returned weights, freshly evaluated
  int64_t iterations = 0;
  bool converged = false;  ///< gradient_norm <= gradient_tolerance
};

/// Multinomial logistic regression: minimises
///   1/n sum_i -log softmax(weights x_i + bias)[label_i] + l2/2 ||weights||^2
/// over the classes that occur (the bias is not penalised), by L-BFGS preconditioned with the
/// diagonal of the Hessian at the start. With l2 > 0 the minimum is unique up to a shift common to
/// all biases, and the objective lies within gradient_norm^2 / (2 l2) of it as far as the weights
/// go. `start` (a fit of the same design and classes) is a warm start. labels [n] in [0, K). A
/// class without rows gets zero weights and bias -infinity. Deterministic.
LogisticFit fit_logistic(const Design& design, std::span<const int64_t> labels, int64_t classes,
                         const LogisticOptions& options, const LogisticFit* start = nullptr);

/// The most probable class of each row of `design`, ties to the smaller class; [n]. `probability`,
/// where given, takes how probable it is.
std::vector<int64_t> predict_logistic(const LogisticFit& fit, const Design& design,
                                      std::vector<double>* probability = nullptr);

/// The share of equal entries; 0 for no entries.
double accuracy(std::span<const int64_t> predicted, std::span<const int64_t> labels);

}  // namespace ssmi::probe
