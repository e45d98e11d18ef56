#include "ssmi/analysis/probe/design.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mm.h>

namespace ssmi::probe {

DenseDesign::DenseDesign(at::Tensor x) : x_(x.contiguous()) {}

void DenseDesign::times(const at::Tensor& weights, at::Tensor& out) const {
  at::mm_out(out, weights, x_.t());
}

void DenseDesign::back(const at::Tensor& residuals, at::Tensor& out) const {
  at::mm_out(out, residuals, x_);
}

void DenseDesign::squares_back(const at::Tensor& residuals, at::Tensor& out) const {
  at::mm_out(out, residuals, x_ * x_);
}

template <typename Visit>
void SparseDesign::for_each(Visit visit) const {
  for (size_t i = 0; i + 1 < matrix_.begin.size(); ++i) {
    const auto end = static_cast<size_t>(matrix_.begin[i + 1]);
    for (auto j = static_cast<size_t>(matrix_.begin[i]); j < end; ++j) {
      visit(static_cast<int64_t>(i), matrix_.column[j], matrix_.value[j]);
    }
  }
}

void SparseDesign::times(const at::Tensor& weights, at::Tensor& out) const {
  out.zero_();
  const double* w = weights.const_data_ptr<double>();
  double* sums = out.mutable_data_ptr<double>();
  const int64_t classes = weights.size(0), n = rows(), d = columns();
  for_each([=](int64_t row, int64_t column, double value) {
    for (int64_t k = 0; k < classes; ++k)
      sums[k * n + row] += value * w[k * d + column];
  });
}

template <typename Transform>
void SparseDesign::add_back(const at::Tensor& residuals, at::Tensor& out,
                            Transform transform) const {
  out.zero_();
  const double* r = residuals.const_data_ptr<double>();
  double* sums = out.mutable_data_ptr<double>();
  const int64_t classes = residuals.size(0), n = rows(), d = columns();
  for_each([=](int64_t row, int64_t column, double value) {
    for (int64_t k = 0; k < classes; ++k)
      sums[k * d + column] += transform(value) * r[k * n + row];
  });
}

void SparseDesign::back(const at::Tensor& residuals, at::Tensor& out) const {
  add_back(residuals, out, [](double value) { return value; });
}

void SparseDesign::squares_back(const at::Tensor& residuals, at::Tensor& out) const {
  add_back(residuals, out, [](double value) { return value * value; });
}

}  // namespace ssmi::probe
