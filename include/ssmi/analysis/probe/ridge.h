#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace ssmi::probe {

struct RidgeResult {
  std::vector<int64_t> predicted;  ///< [m], classes of the test rows
  double l2 = 0;
  double validation_accuracy = 0;  ///< at the chosen l2, before the refit
};

/// The cheap probe to look with first: ridge regression of labels, one column of 0 and 1 each, on
/// vectors standardised by the training part; the greatest column is the prediction. Minimises the
/// mean squared error plus l2 |W|^2 in closed form. One Gram matrix serves all strengths (kL2Grid,
/// chosen on the validation part as linear_probe() does), and with that of the validation part the
/// refit to both. Shapes and errors as linear_probe().
RidgeResult ridge_probe(const at::Tensor& x_train, std::span<const int64_t> y_train,
                        const at::Tensor& x_validation, std::span<const int64_t> y_validation,
                        const at::Tensor& x_test, int64_t classes);

}  // namespace ssmi::probe
