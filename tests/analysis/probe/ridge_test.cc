#include "ssmi/analysis/probe/ridge.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>

#include <limits>
#include <vector>

#include "analysis/probe/clouds.h"
#include "ssmi/analysis/probe/linear.h"
#include "ssmi/core/error.h"
#include "support.h"

using namespace ssmi;
using namespace ssmi::probe;
using ssmi::test::normals;

namespace {

constexpr int64_t kColumns = 6, kClasses = 3;

struct Part {
  at::Tensor x;
  std::vector<int64_t> y;
};

Part blobs(int64_t n, double distance, Random& random) {
  Part part{normals(n, kColumns, random), {}};
  double* x = part.x.mutable_data_ptr<double>();
  for (int64_t i = 0; i < n; ++i) {
    part.y.push_back(static_cast<int64_t>(random.below(kClasses)));
    x[i * kColumns + part.y.back()] += distance;
  }
  return part;
}

/// The normal equations with a column of ones, whose weight bears no penalty, as they are written
/// down: mean squared error plus l2 |W|^2.
std::vector<int64_t> by_normal_equations(const Part& train, const at::Tensor& test, double l2) {
  const at::Tensor mean = train.x.mean(0, true);
  const at::Tensor deviation = (train.x - mean).square().mean(0, true).sqrt();
  const auto with_ones = [&](const at::Tensor& x) {
    return at::cat({(x - mean) / deviation, at::ones({x.size(0), 1}, at::kDouble)}, 1);
  };
  const at::Tensor x = with_ones(train.x);
  const at::Tensor y = at::one_hot(at::tensor(train.y, at::kLong), kClasses).to(at::kDouble);
  at::Tensor penalty = at::eye(kColumns + 1, at::kDouble) * l2;
  penalty[kColumns][kColumns] = 0;
  const auto n = static_cast<double>(train.y.size());
  const at::Tensor w = at::linalg_solve(at::mm(x.t(), x) / n + penalty, at::mm(x.t(), y) / n);
  const at::Tensor predicted = at::mm(with_ones(test), w).argmax(1).contiguous();
  const auto* begin = predicted.const_data_ptr<int64_t>();
  return {begin, begin + predicted.numel()};
}

}  // namespace

TEST_CASE("probe: ridge is the solution of its normal equations") {
  Random random(7, "ridge");
  const Part train = blobs(90, 1.0, random), test = blobs(400, 1.0, random);
  const at::Tensor none = train.x.narrow(0, 0, 0);
  const RidgeResult alone = ridge_probe(train.x, train.y, none, {}, test.x, kClasses);
  CHECK(alone.l2 == kDefaultL2);
  CHECK(alone.predicted == by_normal_equations(train, test.x, kDefaultL2));
}

TEST_CASE("probe: ridge is refitted to training and validation together") {
  Random random(8, "ridge");
  const Part train = blobs(60, 1.5, random), validation = blobs(40, 1.5, random),
             test = blobs(300, 1.5, random);
  const RidgeResult result =
      ridge_probe(train.x, train.y, validation.x, validation.y, test.x, kClasses);
  // The same rows twice over leave the optimum where it is.
  const Part twice{at::cat({train.x, train.x}), [&] {
                     auto y = train.y;
                     y.insert(y.end(), train.y.begin(), train.y.end());
                     return y;
                   }()};
  const RidgeResult same = ridge_probe(train.x, train.y, train.x, train.y, test.x, kClasses);
  CHECK(same.predicted == by_normal_equations(twice, test.x, same.l2));
  int64_t right = 0;
  for (size_t i = 0; i < test.y.size(); ++i)
    right += result.predicted[i] == test.y[i];
  CHECK(static_cast<double>(right) / static_cast<double>(test.y.size()) > 0.7);
  CHECK(result.validation_accuracy > 0.6);
}

TEST_CASE("probe: ridge refuses what is not finite") {
  Random random(9, "ridge");
  Part train = blobs(20, 1, random);
  train.x[3][2] = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(ridge_probe(train.x, train.y, train.x.narrow(0, 0, 0), {}, train.x, kClasses),
                  Error);
}
