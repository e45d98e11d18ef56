#include "ssmi/analysis/probe/logistic.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "analysis/probe/clouds.h"
#include "support.h"

using namespace ssmi;
using namespace ssmi::probe;
using ssmi::test::normals;
using ssmi::test::points;
using ssmi::test::random_labels;

namespace {

/// The stated objective, written down once more and plainly. theta: weights [K, d], bias [K].
long double objective(const at::Tensor& x, const std::vector<int64_t>& labels, int64_t classes,
                      double l2, const std::vector<long double>& theta) {
  const int64_t n = x.size(0), d = x.size(1);
  const double* row = x.const_data_ptr<double>();
  long double sum = 0;
  for (int64_t i = 0; i < n; ++i, row += d) {
    long double total = 0, own = 0;
    for (int64_t k = 0; k < classes; ++k) {
      long double logit = theta[static_cast<size_t>(classes * d + k)];
      for (int64_t j = 0; j < d; ++j)
        logit += theta[static_cast<size_t>(k * d + j)] * row[j];
      total += std::exp(logit);
      if (labels[static_cast<size_t>(i)] == k) own = logit;
    }
    sum += std::log(total) - own;
  }
  long double squares = 0;
  for (int64_t i = 0; i < classes * d; ++i) {
    squares += theta[static_cast<size_t>(i)] * theta[static_cast<size_t>(i)];
  }
  return sum / static_cast<long double>(n) + l2 / 2 * squares;
}

std::vector<long double> parameters(const LogisticFit& fit) {
  const double* weights = fit.weights.const_data_ptr<double>();
  const double* bias = fit.bias.const_data_ptr<double>();
  std::vector<long double> theta(weights, weights + fit.weights.numel());
  theta.insert(theta.end(), bias, bias + fit.bias.numel());
  return theta;
}

/// Norm of the gradient by central differences.
double gradient_norm(const at::Tensor& x, const std::vector<int64_t>& labels, int64_t classes,
                     double l2, std::vector<long double> theta) {
  long double squares = 0;
  for (long double& value : theta) {
    const long double kept = value, step = 1e-5L;
    value = kept + step;
    const long double above = objective(x, labels, classes, l2, theta);
    value = kept - step;
    const long double below = objective(x, labels, classes, l2, theta);
    value = kept;
    squares += (above - below) * (above - below) / (4 * step * step);
  }
  return static_cast<double>(std::sqrt(squares));
}

LogisticFit fit(const at::Tensor& x, const std::vector<int64_t>& labels, int64_t classes,
                double l2) {
  LogisticOptions options;
  options.l2 = l2;
  return fit_logistic(DenseDesign(x), labels, classes, options);
}

}  // namespace

TEST_CASE("probe: a logistic fit is a stationary point of the stated (convex) objective") {
  Random random(3, "logistic");
  for (const double l2 : {1.0, 1e-2, 1e-4}) {
    for (const int64_t classes : {2, 5}) {
      const at::Tensor x = normals(60, 7, random);
      const auto labels = random_labels(60, classes, random);
      const LogisticFit found = fit(x, labels, classes, l2);
      CHECK(found.converged);
      CHECK(found.gradient_norm <= 1e-6);
      CHECK(gradient_norm(x, labels, classes, l2, parameters(found)) <= 1.01e-6);
      CHECK(found.objective == doctest::Approx(static_cast<double>(objective(x, labels, classes, l2,
                                                                             parameters(found))))
                                   .epsilon(1e-12));
    }
  }
}

TEST_CASE("probe: without features a logistic fit gives the log frequencies") {
  const std::vector<int64_t> labels = {0, 0, 0, 0, 0, 0, 1, 1, 1, 2};
  const LogisticFit found = fit(at::empty({10, 0}, at::kDouble), labels, 3, 1e-2);
  const double* bias = found.bias.const_data_ptr<double>();
  CHECK(bias[0] - bias[2] == doctest::Approx(std::log(6.0)).epsilon(1e-5));
  CHECK(bias[1] - bias[2] == doctest::Approx(std::log(3.0)).epsilon(1e-5));
  // The entropy of (.6, .3, .1).
  const double entropy = -0.6 * std::log(0.6) - 0.3 * std::log(0.3) - 0.1 * std::log(0.1);
  CHECK(found.objective == doctest::Approx(entropy).epsilon(1e-12));
}

TEST_CASE("probe: two points give the root of a scalar equation") {
  // x = -1, +1 with labels 0, 1: by symmetry the weights are -w, w, the bias 0 and the objective
  // log(1 + exp(-2 w)) + l2 w^2, stationary where 1 / (1 + exp(2 w)) = l2 w.
  const double l2 = 0.1;
  double low = 0, high = 10;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (1 / (1 + std::exp(2 * middle)) > l2 * middle ? low : high) = middle;
  }
  const LogisticFit found = fit(points({{-1}, {1}}), {0, 1}, 2, l2);
  const double* weights = found.weights.const_data_ptr<double>();
  CHECK(weights[0] == doctest::Approx(-low).epsilon(1e-5));
  CHECK(weights[1] == doctest::Approx(low).epsilon(1e-5));
}

TEST_CASE("probe: a sparse design gives the fit of the same dense one") {
  Random random(4, "sparse");
  SparseRows sparse;
  sparse.columns = 30;
  const at::Tensor dense = at::zeros({80, 30}, at::kDouble);
  for (int64_t i = 0; i < 80; ++i) {
    for (int64_t block = 0; block < 3; ++block) {
      const int64_t column = 10 * block + static_cast<int64_t>(random.below(10));
      const double value = block == 2 ? random.normal() : 1.0;
      sparse.column.push_back(column);
      sparse.value.push_back(value);
      dense.mutable_data_ptr<double>()[i * 30 + column] = value;
    }
    sparse.begin.push_back(static_cast<int64_t>(sparse.column.size()));
  }
  const auto labels = random_labels(80, 4, random);
  LogisticOptions options;
  options.gradient_tolerance = 1e-9;
  const LogisticFit a = fit_logistic(SparseDesign(sparse), labels, 4, options);
  const LogisticFit b = fit_logistic(DenseDesign(dense), labels, 4, options);
  CHECK(a.converged);
  CHECK(b.converged);
  CHECK((a.weights - b.weights).abs().max().item<double>() < 1e-6);
  CHECK(predict_logistic(a, SparseDesign(sparse)) == predict_logistic(b, DenseDesign(dense)));
}

TEST_CASE("probe: a warm start ends in the same minimum, in fewer iterations") {
  Random random(5, "warm");
  const at::Tensor x = normals(200, 10, random);
  const auto labels = random_labels(200, 3, random);
  const DenseDesign design(x);
  LogisticOptions options;
  options.l2 = 1e-3;
  const LogisticFit first = fit_logistic(design, labels, 3, options);
  const LogisticFit again = fit_logistic(design, labels, 3, options, &first);
  CHECK(again.iterations == 0);
  CHECK(again.objective == doctest::Approx(first.objective).epsilon(1e-14));
  options.l2 = 1e-4;
  const LogisticFit warm = fit_logistic(design, labels, 3, options, &first);
  const LogisticFit cold = fit_logistic(design, labels, 3, options);
  CHECK(warm.objective == doctest::Approx(cold.objective).epsilon(1e-10));
}

TEST_CASE("probe: classes without rows are never predicted") {
  Random random(6, "absent");
  const at::Tensor x = normals(30, 4, random);
  std::vector<int64_t> labels = random_labels(30, 2, random);
  for (int64_t& label : labels)
    label = label == 0 ? 1 : 3;
  const LogisticFit found = fit(x, labels, 5, 1e-3);
  CHECK(found.converged);
  CHECK(std::isinf(found.bias.const_data_ptr<double>()[0]));
  for (const int64_t k : predict_logistic(found, DenseDesign(x)))
    CHECK((k == 1 || k == 3));

  const LogisticFit single = fit(x, std::vector<int64_t>(30, 2), 3, 1e-3);
  CHECK(single.converged);
  CHECK(single.objective == 0);
  for (const int64_t k : predict_logistic(single, DenseDesign(x)))
    CHECK(k == 2);
}

TEST_CASE("probe: a fit that ran out of iterations says so") {
  Random random(7, "short");
  LogisticOptions options;
  options.l2 = 1e-4;
  options.max_iterations = 2;
  const LogisticFit found =
      fit_logistic(DenseDesign(normals(50, 5, random)), random_labels(50, 3, random), 3, options);
  CHECK_FALSE(found.converged);
  CHECK(found.iterations == 2);
  CHECK(found.gradient_norm > options.gradient_tolerance);
}

TEST_CASE("probe: separable classes converge too") {
  const LogisticFit found =
      fit(points({{0, 1e3}, {1, -1e3}, {2, 1e3}, {3, -1e3}}), {0, 0, 1, 1}, 2, 1e-4);
  CHECK(found.converged);
}

TEST_CASE("probe: fits may run side by side") {
  Random random(8, "side");
  const at::Tensor x = normals(100, 6, random);
  const auto labels = random_labels(100, 3, random);
  const LogisticFit alone = fit(x, labels, 3, 1e-2);
  std::vector<LogisticFit> fits(8);
  at::parallel_for(0, 8, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      fits[static_cast<size_t>(i)] = fit(x, labels, 3, 1e-2);
  });
  for (const LogisticFit& one : fits) {
    CHECK((one.weights - alone.weights).abs().max().item<double>() < 1e-8);
  }
}

TEST_CASE("probe: labels out of range are refused") {
  const DenseDesign design(points({{1}, {2}}));
  test::check_fails(ExitCode::kBadInput, "label 2 is not in [0, 2)",
                    [&] { fit_logistic(design, std::vector<int64_t>{0, 2}, 2, {}); });
  test::check_fails(ExitCode::kBadInput, "1 labels for 2 rows",
                    [&] { fit_logistic(design, std::vector<int64_t>{0}, 2, {}); });
}
