#include "ssmi/analysis/probe/linear.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "ssmi/analysis/probe/logistic.h"
#include "ssmi/core/error.h"
#include "standardise.h"

namespace ssmi::probe {
namespace {

/// Turns all rows onto the principal axes of the first `fitted` ones. The penalty and the
/// predictions do not notice; the fit becomes much better conditioned. Axes on which none of those
/// rows has a component would get zero weights and are left out.
at::Tensor on_principal_axes(const at::Tensor& all, int64_t fitted) {
  const at::Tensor x = all.narrow(0, 0, fitted);
  const auto [values, axes] = at::linalg_eigh(at::mm(x.t(), x));
  const double largest = values.max().item<double>();
  const int64_t kept = (values > 1e-14 * largest).sum().item<int64_t>();
  const int64_t columns = axes.size(1);
  return at::mm(all, axes.narrow(1, columns - kept, kept));
}

/// The three parts as designs; `both` is train and validation together.
struct Designs {
  const Design& train;
  const Design& validation;
  const Design& both;
  const Design& test;
};

/// Chooses the L2 strength on the validation part, then fits to both parts.
LinearResult choose_and_refit(const Designs& x, std::span<const int64_t> y_train,
                              std::span<const int64_t> y_validation, int64_t classes) {
  LinearResult result;
  result.converged = true;
  const auto count = [&result](const LogisticFit& fit) {
    result.converged = result.converged && fit.converged;
    result.gradient_norm = std::max(result.gradient_norm, fit.gradient_norm);
  };

  LogisticFit fit, chosen;
  LogisticOptions options;
  result.l2 = kDefaultL2;
  result.validation_accuracy = -1;
  for (const double l2 : kL2Grid) {
    if (x.validation.rows() == 0) break;
    options.l2 = l2;
    fit = fit_logistic(x.train, y_train, classes, options, fit.weights.defined() ? &fit : nullptr);
    count(fit);
    const double found = accuracy(predict_logistic(fit, x.validation), y_validation);
    if (found > result.validation_accuracy) {
      result.validation_accuracy = found;
      result.l2 = l2;
      chosen = fit;
    }
  }
  result.validation_accuracy = std::max(result.validation_accuracy, 0.0);

  options.l2 = result.l2;
  std::vector<int64_t> y_both(y_train.begin(), y_train.end());
  y_both.insert(y_both.end(), y_validation.begin(), y_validation.end());
  const LogisticFit last =
      fit_logistic(x.both, y_both, classes, options, chosen.weights.defined() ? &chosen : nullptr);
  count(last);
  result.predicted = predict_logistic(last, x.test, &result.probability);
  return result;
}

/// The rows of `first`, then those of `second`.
SparseRows stacked(const SparseRows& first, const SparseRows& second) {
  SparseRows both = first;
  for (size_t i = 1; i < second.begin.size(); ++i) {
    both.begin.push_back(first.begin.back() + second.begin[i]);
  }
  both.column.insert(both.column.end(), second.column.begin(), second.column.end());
  both.value.insert(both.value.end(), second.value.begin(), second.value.end());
  return both;
}

/// Where the portions of the online code end, in ten thousandths of the rows.
constexpr std::array<int64_t, 11> kPortions = {10,  20,   40,   80,   160,  320,
                                               625, 1250, 2500, 5000, 10000};

/// Bits that labels cost under a fit to t rows.
double code_bits(const LogisticFit& fit, const at::Tensor& x, std::span<const int64_t> labels,
                 int64_t t, int64_t classes) {
  const at::Tensor scores = at::mm(x, fit.weights.t()) + fit.bias;
  const at::Tensor probability = at::softmax(scores, 1).contiguous();
  const double* p = probability.const_data_ptr<double>();
  const auto rows = static_cast<double>(t), k = static_cast<double>(classes);
  double bits = 0;
  for (const int64_t label : labels) {
    bits -= std::log2((rows * p[label] + 1 / k) / (rows + 1));
    p += classes;
  }
  return bits;
}

/// The code of rows in this order, already standardised, with one strength.
OnlineCode code_in_order(const at::Tensor& all, std::span<const int64_t> y, int64_t classes,
                         double l2) {
  const int64_t n = all.size(0);
  LogisticOptions options;
  options.l2 = l2;
  OnlineCode code{.l2 = l2};
  int64_t known = 0;
  for (const int64_t portion : kPortions) {
    const int64_t end = portion == kPortions.back() ? n : n * portion / kPortions.back();
    if (end == known) continue;
    const auto coded = y.subspan(static_cast<size_t>(known), static_cast<size_t>(end - known));
    if (known == 0) {
      code.bits += static_cast<double>(end) * std::log2(static_cast<double>(classes));
    } else {
      const DenseDesign before(all.narrow(0, 0, known));
      const auto fit = fit_logistic(before, y.first(static_cast<size_t>(known)), classes, options);
      code.converged = code.converged && fit.converged;
      code.bits += code_bits(fit, all.narrow(0, known, end - known), coded, known, classes);
    }
    known = end;
  }
  return code;
}

}  // namespace

LinearResult linear_probe(const at::Tensor& x_train, std::span<const int64_t> y_train,
                          const at::Tensor& x_validation, std::span<const int64_t> y_validation,
                          const at::Tensor& x_test, int64_t classes) {
  const at::Tensor train = x_train.to(at::kDouble);
  at::Tensor all = at::cat({train, x_validation.to(at::kDouble), x_test.to(at::kDouble)});
  if (!at::isfinite(all).all().item<bool>()) {
    bad_input("linear probe: a vector holds a value that is not finite");
  }
  const int64_t n = x_train.size(0), v = x_validation.size(0), m = x_test.size(0);
  all = on_principal_axes(Standardise(train)(all), n + v).contiguous();
  const DenseDesign train_rows(all.narrow(0, 0, n)), validation_rows(all.narrow(0, n, v)),
      both_rows(all.narrow(0, 0, n + v)), test_rows(all.narrow(0, n + v, m));
  return choose_and_refit({train_rows, validation_rows, both_rows, test_rows}, y_train,
                          y_validation, classes);
}

OnlineCode online_code(const at::Tensor& x, std::span<const int64_t> labels, int64_t classes,
                       std::span<const double> strengths, Random& random) {
  const int64_t n = x.size(0);
  std::vector<int64_t> order, y;
  for (const size_t row : random.permutation(static_cast<size_t>(n))) {
    order.push_back(static_cast<int64_t>(row));
    y.push_back(labels[row]);
  }
  const at::Tensor rows = x.to(at::kDouble).index_select(0, at::tensor(order, at::kLong));
  const at::Tensor all = on_principal_axes(Standardise(rows)(rows), n).contiguous();
  OnlineCode best;
  bool converged = true;
  for (const double l2 : strengths) {
    const OnlineCode code = code_in_order(all, y, classes, l2);
    converged = converged && code.converged;
    if (l2 == strengths.front() || code.bits < best.bits) best = code;
  }
  best.bits += std::log2(static_cast<double>(strengths.size()));  // which of them it is
  best.converged = converged;
  return best;
}

LinearResult linear_probe(const SparseRows& x_train, std::span<const int64_t> y_train,
                          const SparseRows& x_validation, std::span<const int64_t> y_validation,
                          const SparseRows& x_test, int64_t classes) {
  const SparseRows both = stacked(x_train, x_validation);
  return choose_and_refit(
      {SparseDesign(x_train), SparseDesign(x_validation), SparseDesign(both), SparseDesign(x_test)},
      y_train, y_validation, classes);
}

}  // namespace ssmi::probe
