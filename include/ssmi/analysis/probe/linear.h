#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "ssmi/analysis/probe/logistic.h"
#include "ssmi/core/random.h"

namespace ssmi::probe {

/// The grid of L2 strengths, on the scale of the mean loss, strong to weak.
inline constexpr std::array<double, 6> kL2Grid = {10, 1, 1e-1, 1e-2, 1e-3, 1e-4};
/// Taken without a choice where there are no validation rows.
inline constexpr double kDefaultL2 = 1e-2;

struct LinearResult {
  std::vector<int64_t> predicted;   ///< [m], classes of the test rows
  std::vector<double> probability;  ///< [m], which the probe gives to them
  double l2 = 0;
  double validation_accuracy = 0;  ///< at the chosen l2, before the refit; 0 without rows
  bool converged = false;          ///< every fit that led to the result did
  double gradient_norm = 0;        ///< the largest of those fits
};

/// A linear probe: multinomial logistic regression (fit_logistic) on vectors standardised by mean
/// and standard deviation of the training part (a column constant there is only centred), L2
/// strength from kL2Grid by accuracy on the validation part (ties: the stronger), then fitted again
/// to training and validation part together.
///
/// x_train [n, d], x_validation [v, d], x_test [m, d] of any floating type; v and m may be 0, n may
/// not. Labels in [0, classes). A class that never occurs is never predicted. Throws
/// Error{kBadInput} on labels or values that are out of range (infinite, not a number).
LinearResult linear_probe(const at::Tensor& x_train, std::span<const int64_t> y_train,
                          const at::Tensor& x_validation, std::span<const int64_t> y_validation,
                          const at::Tensor& x_test, int64_t classes);

/// The same for sparse rows, which are taken as they are; all with the same columns.
LinearResult linear_probe(const SparseRows& x_train, std::span<const int64_t> y_train,
                          const SparseRows& x_validation, std::span<const int64_t> y_validation,
                          const SparseRows& x_test, int64_t classes);

/// Description length of labels given x [n, d] in bits, by the online code of Voita and Titov
/// (2020): rows in random order; the first 0.1 % cost log2(classes) each, those up to 0.2, 0.4,
/// 0.8, 1.6, 3.2, 6.25, 12.5, 25, 50 and 100 % what the probe fitted to all rows before leaves
/// open. Its probabilities p, from t rows, are taken as (t p + 1 / classes) / (t + 1), so that no
/// label is impossible. x is standardised as a whole. Of the L2 strengths, at least one, the
/// shortest code counts, with the bits that say which it is.
struct OnlineCode {
  double bits = 0;
  double l2 = 0;          ///< of this code
  bool converged = true;  ///< every fit did, of all strengths
};
OnlineCode online_code(const at::Tensor& x, std::span<const int64_t> labels, int64_t classes,
                       std::span<const double> strengths, Random& random);

}  // namespace ssmi::probe
