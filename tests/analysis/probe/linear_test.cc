#include "ssmi/analysis/probe/linear.h"

#include <ATen/TensorOperators.h>

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "analysis/probe/clouds.h"
#include "ssmi/analysis/probe/logistic.h"
#include "support.h"

using namespace ssmi;
using namespace ssmi::probe;
using ssmi::test::normals;
using ssmi::test::points;

namespace {

struct Part {
  at::Tensor x;
  std::vector<int64_t> y;
};

/// Classes of equal size whose centres lie `distance` out on the first axes.
Part blobs(int64_t n, int64_t d, int64_t classes, double distance, Random& random) {
  Part part{normals(n, d, random), {}};
  double* x = part.x.mutable_data_ptr<double>();
  for (int64_t i = 0; i < n; ++i) {
    part.y.push_back(i % classes);
    x[i * d + i % classes] += distance;
  }
  return part;
}

LinearResult probe_of(const Part& train, const Part& validation, const Part& test,
                      int64_t classes) {
  return linear_probe(train.x, train.y, validation.x, validation.y, test.x, classes);
}

}  // namespace

TEST_CASE("probe: separated blobs are told apart, ties going to the strongest penalty") {
  Random random(1, "linear");
  const Part train = blobs(300, 6, 3, 20, random), validation = blobs(60, 6, 3, 20, random),
             test = blobs(90, 6, 3, 20, random);
  const LinearResult result = probe_of(train, validation, test, 3);
  CHECK(accuracy(result.predicted, test.y) == 1);
  CHECK(result.validation_accuracy == 1);
  CHECK(result.l2 == kL2Grid.front());
  CHECK(result.converged);
  CHECK(result.gradient_norm <= 1e-6);
}

TEST_CASE("probe: the penalty is chosen on the validation part") {
  // Nine of ten rows are class 0: under the strongest penalties everything is.
  Part train, validation;
  Random random(2, "skewed");
  for (Part* part : {&train, &validation}) {
    part->x = normals(200, 2, random);
    part->y.assign(200, 0);
    for (int64_t i = 0; i < 200; i += 10) {
      part->y[static_cast<size_t>(i)] = 1;
      part->x.mutable_data_ptr<double>()[2 * i] += 6;
    }
  }
  LogisticOptions strongest;
  strongest.l2 = kL2Grid.front();
  const DenseDesign design(train.x);
  const LogisticFit fit = fit_logistic(design, train.y, 2, strongest);
  CHECK(accuracy(predict_logistic(fit, design), train.y) == doctest::Approx(0.9));
  const LinearResult result = probe_of(train, validation, validation, 2);
  CHECK(result.l2 < kL2Grid.front());
  CHECK(accuracy(result.predicted, validation.y) > 0.98);
}

TEST_CASE("probe: shift and scale of a column change nothing") {
  Random random(3, "scaled");
  const Part train = blobs(200, 5, 3, 1.5, random), validation = blobs(80, 5, 3, 1.5, random),
             test = blobs(80, 5, 3, 1.5, random);
  const at::Tensor scale = points({{1e6, 1e-6, 3, 1, 700}}), shift = points({{5, 1, -40, 0, 1e5}});
  const auto moved = [&](const Part& part) { return Part{part.x * scale + shift, part.y}; };
  const LinearResult plain = probe_of(train, validation, test, 3);
  const LinearResult other = probe_of(moved(train), moved(validation), moved(test), 3);
  CHECK(plain.predicted == other.predicted);
  CHECK(plain.l2 == other.l2);
  CHECK(accuracy(plain.predicted, test.y) > 0.6);
}

TEST_CASE("probe: constant columns, more columns than rows, float32 and no validation rows") {
  Random random(4, "degenerate");
  Part train = blobs(20, 50, 2, 12, random);
  const Part test = blobs(40, 50, 2, 12, random);
  train.x.narrow(1, 7, 3).fill_(0.1);
  const Part none{normals(0, 50, random), {}};
  const LinearResult result =
      linear_probe(train.x.to(at::kFloat), train.y, none.x, none.y, test.x.to(at::kFloat), 2);
  CHECK(result.converged);
  CHECK(result.l2 == kDefaultL2);
  CHECK(result.validation_accuracy == 0);
  CHECK(accuracy(result.predicted, test.y) > 0.9);
  CHECK(probe_of(train, none, none, 2).predicted.empty());

  const Part same{points({{1, 2}, {1, 2}, {1, 2}}), {0, 1, 1}};
  CHECK(probe_of(same, same, same, 2).predicted == std::vector<int64_t>{1, 1, 1});
}

TEST_CASE("probe: a class seen only in the validation part is learnt by the refit") {
  Random random(5, "late");
  const Part train = blobs(60, 4, 2, 15, random);
  const Part validation = blobs(60, 4, 3, 15, random);
  const LinearResult result = probe_of(train, validation, validation, 3);
  CHECK(result.converged);
  CHECK(std::count(result.predicted.begin(), result.predicted.end(), 2) > 0);

  const Part single{train.x, std::vector<int64_t>(60, 1)};
  const LinearResult constant = probe_of(single, single, validation, 3);
  CHECK(constant.predicted == std::vector<int64_t>(60, 1));
}

TEST_CASE("probe: a vector that is not finite is refused") {
  Part part{points({{1, 2}, {3, std::numeric_limits<double>::quiet_NaN()}}), {0, 1}};
  test::check_fails(ExitCode::kBadInput, "not finite", [&] { probe_of(part, part, part, 2); });
}

namespace {

/// Binary logistic regression of one number by Newton's method: weight and bias.
std::array<double, 2> newton(const std::vector<double>& x, const std::vector<int64_t>& y, size_t n,
                             double l2) {
  double w = 0, b = 0;
  for (int step = 0; step < 100; ++step) {
    // Two classes with opposite weights halve the penalty of one weight: l2 / 4 w^2 in all.
    double gw = l2 / 2 * w, gb = 0, hww = l2 / 2, hwb = 0, hbb = 1e-15;
    for (size_t i = 0; i < n; ++i) {
      const double p = 1 / (1 + std::exp(-(w * x[i] + b)));
      const double error = (p - static_cast<double>(y[i])) / static_cast<double>(n);
      const double h = p * (1 - p) / static_cast<double>(n);
      gw += error * x[i];
      gb += error;
      hww += h * x[i] * x[i];
      hwb += h * x[i];
      hbb += h;
    }
    const double determinant = hww * hbb - hwb * hwb;
    w -= (hbb * gw - hwb * gb) / determinant;
    b -= (hww * gb - hwb * gw) / determinant;
  }
  return {w, b};
}

}  // namespace

TEST_CASE("online code: the sum of what Newton's method leaves open, portion by portion") {
  constexpr size_t kRows = 1000;
  constexpr double kL2 = 0.1;
  Random random(4, "online");
  std::vector<double> x;
  std::vector<int64_t> y;
  for (size_t i = 0; i < kRows; ++i) {
    y.push_back(i % 2 == 0 ? 1 : 0);
    x.push_back(random.normal() + static_cast<double>(y.back()));
  }
  // Standardised as the probe does it.
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / kRows;
  double square = 0;
  for (double& value : x) {
    value -= mean;
    square += value * value / kRows;
  }
  for (double& value : x)
    value /= std::sqrt(square);

  std::vector<size_t> order(kRows);
  std::iota(order.begin(), order.end(), size_t{0});
  Random(7, "order").shuffle(std::span(order));
  std::vector<double> x_in_order;
  std::vector<int64_t> y_in_order;
  for (const size_t i : order) {
    x_in_order.push_back(x[i]);
    y_in_order.push_back(y[i]);
  }
  double expected = 1;  // the first of a thousand
  const std::array<size_t, 11> ends = {1, 2, 4, 8, 16, 32, 62, 125, 250, 500, 1000};
  for (size_t k = 1; k < ends.size(); ++k) {
    const size_t known = ends[k - 1];
    const bool one_class =
        std::all_of(y_in_order.begin(), y_in_order.begin() + static_cast<ptrdiff_t>(known),
                    [&](int64_t label) { return label == y_in_order[0]; });
    const auto [w, b] =
        one_class ? std::array<double, 2>{0, 0} : newton(x_in_order, y_in_order, known, kL2);
    for (size_t i = known; i < ends[k]; ++i) {
      double p = 1 / (1 + std::exp(-(w * x_in_order[i] + b)));
      if (one_class) p = static_cast<double>(y_in_order[0]);
      if (y_in_order[i] == 0) p = 1 - p;
      const auto rows = static_cast<double>(known);
      expected -= std::log2((rows * p + 0.5) / (rows + 1));
    }
  }
  Random same(7, "order");
  const auto [bits, l2, converged] =
      online_code(at::tensor(x, at::kDouble).view({-1, 1}), y, 2, std::array{kL2}, same);
  CHECK(converged);
  CHECK(bits == doctest::Approx(expected).epsilon(1e-6));
  CHECK(bits < 950);  // the numbers do say something of the labels
  CHECK(l2 == kL2);
  Random once_more(7, "order");  // of two strengths, the shorter code, and a bit that says which
  const auto both =
      online_code(at::tensor(x, at::kDouble).view({-1, 1}), y, 2, std::array{10.0, kL2}, once_more);
  CHECK(both.bits == doctest::Approx(bits + 1));
  CHECK(both.l2 == kL2);

  // Labels that have nothing to do with the numbers cost no less than without a probe.
  Random coins(5, "coins");
  for (int64_t& label : y)
    label = coins.uniform() < 0.5 ? 1 : 0;
  Random again(7, "order");
  CHECK(online_code(at::tensor(x, at::kDouble).view({-1, 1}), y, 2, std::array{kL2}, again).bits >
        990);
}
