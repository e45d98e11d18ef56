#include "ssmi/analysis/probe/linear.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <limits>

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
