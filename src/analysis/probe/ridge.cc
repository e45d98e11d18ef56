#include "ssmi/analysis/probe/ridge.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <tuple>

#include "ssmi/analysis/probe/linear.h"
#include "ssmi/core/error.h"
#include "standardise.h"

namespace ssmi::probe {
namespace {

/// Sums over rows x [n, d] and their labels y [n, K]; those of two parts add up.
struct Sums {
  int64_t rows;
  at::Tensor x, y, xx, xy;  ///< [1, d], [1, K], [d, d], [d, K]

  Sums(const at::Tensor& x_rows, const at::Tensor& y_rows)
      : rows(x_rows.size(0)),
        x(x_rows.sum(0, /*keepdim=*/true)),
        y(y_rows.sum(0, /*keepdim=*/true)),
        xx(at::mm(x_rows.t(), x_rows)),
        xy(at::mm(x_rows.t(), y_rows)) {}

  void add(const Sums& other) {
    rows += other.rows;
    x = x + other.x;
    y = y + other.y;
    xx = xx + other.xx;
    xy = xy + other.xy;
  }
};

/// The regression on rows with these sums, for any strength: one eigendecomposition of their
/// centred second moments.
class Regression {
 public:
  explicit Regression(const Sums& sums) {
    const auto n = static_cast<double>(sums.rows);
    x_ = sums.x / n;
    y_ = sums.y / n;
    const at::Tensor moments = sums.xx / n - at::mm(x_.t(), x_);
    std::tie(values_, axes_) = at::linalg_eigh(moments);
    on_axes_ = at::mm(axes_.t(), sums.xy / n - at::mm(x_.t(), y_));
  }

  std::vector<int64_t> predict(const at::Tensor& rows, double l2) const {
    const at::Tensor scaled = on_axes_ / (values_.clamp_min(0) + l2).unsqueeze(1);
    const at::Tensor scores = at::mm(rows - x_, at::mm(axes_, scaled)) + y_;
    const at::Tensor classes = scores.argmax(1).contiguous();
    const auto* begin = classes.const_data_ptr<int64_t>();
    return {begin, begin + classes.numel()};
  }

 private:
  at::Tensor x_, y_;          // means, [1, d] and [1, K]
  at::Tensor values_, axes_;  // [d], [d, d]
  at::Tensor on_axes_;        // [d, K]
};

at::Tensor one_hot(std::span<const int64_t> labels, int64_t classes) {
  const at::Tensor index =
      at::tensor(at::ArrayRef<int64_t>(labels.data(), labels.size()), at::kLong);
  if (labels.empty()) return at::zeros({0, classes}, at::kDouble);
  return at::one_hot(index, classes).to(at::kDouble);
}

/// The strength that is right most often on the validation rows; the stronger one of equals.
void choose(const Regression& train, const at::Tensor& x, std::span<const int64_t> y,
            RidgeResult& result) {
  result.validation_accuracy = -1;
  for (const double l2 : kL2Grid) {
    const double found = accuracy(train.predict(x, l2), y);
    if (found <= result.validation_accuracy) continue;
    result.validation_accuracy = found;
    result.l2 = l2;
  }
}

}  // namespace

RidgeResult ridge_probe(const at::Tensor& x_train, std::span<const int64_t> y_train,
                        const at::Tensor& x_validation, std::span<const int64_t> y_validation,
                        const at::Tensor& x_test, int64_t classes) {
  const at::Tensor raw = x_train.to(at::kDouble);
  const Standardise standardise(raw);
  const at::Tensor train = standardise(raw), validation = standardise(x_validation.to(at::kDouble)),
                   test = standardise(x_test.to(at::kDouble));
  for (const at::Tensor& part : {train, validation, test}) {
    if (!at::isfinite(part).all().item<bool>()) {
      bad_input("ridge probe: a vector holds a value that is not finite");
    }
  }
  Sums sums(train, one_hot(y_train, classes));
  RidgeResult result;
  result.l2 = kDefaultL2;
  if (!y_validation.empty()) {
    choose(Regression(sums), validation, y_validation, result);
    sums.add(Sums(validation, one_hot(y_validation, classes)));
  }
  result.predicted = Regression(sums).predict(test, result.l2);
  return result;
}

}  // namespace ssmi::probe
