#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace ssmi::probe {

/// A design matrix X [n, d] as the logistic fit needs it. All tensors are float64 and contiguous;
/// classes are rows, since BLAS is several times slower on tall thin matrices than on flat ones.
class Design {
 public:
  virtual ~Design() = default;
  virtual int64_t rows() const = 0;
  virtual int64_t columns() const = 0;
  /// out [K, n] = weights X^T, weights [K, d].
  virtual void times(const at::Tensor& weights, at::Tensor& out) const = 0;
  /// out [K, d] = residuals X, residuals [K, n].
  virtual void back(const at::Tensor& residuals, at::Tensor& out) const = 0;
  /// out [K, d] = residuals (X * X), the inner product elementwise.
  virtual void squares_back(const at::Tensor& residuals, at::Tensor& out) const = 0;
};

class DenseDesign : public Design {
 public:
  /// x [n, d] float64. A fit is fastest when the columns are uncorrelated (principal axes).
  explicit DenseDesign(at::Tensor x);
  int64_t rows() const override { return x_.size(0); }
  int64_t columns() const override { return x_.size(1); }
  void times(const at::Tensor& weights, at::Tensor& out) const override;
  void back(const at::Tensor& residuals, at::Tensor& out) const override;
  void squares_back(const at::Tensor& residuals, at::Tensor& out) const override;

 private:
  at::Tensor x_;
};

/// A matrix of few non-zeros a row: row i holds value[k] in column[k] for begin[i] <= k <
/// begin[i + 1].
struct SparseRows {
  int64_t columns = 0;
  std::vector<int64_t> begin = {0};
  std::vector<int64_t> column;
  std::vector<double> value;
};

class SparseDesign : public Design {
 public:
  /// `matrix` must outlive the design.
  explicit SparseDesign(const SparseRows& matrix) : matrix_(matrix) {}
  int64_t rows() const override { return static_cast<int64_t>(matrix_.begin.size()) - 1; }
  int64_t columns() const override { return matrix_.columns; }
  void times(const at::Tensor& weights, at::Tensor& out) const override;
  void back(const at::Tensor& residuals, at::Tensor& out) const override;
  void squares_back(const at::Tensor& residuals, at::Tensor& out) const override;

 private:
  /// visit(row, column, value) for every stored value.
  template <typename Transform>
  void add_back(const at::Tensor& residuals, at::Tensor& out, Transform transform) const;
  template <typename Visit>
  void for_each(Visit visit) const;
  const SparseRows& matrix_;
};

}  // namespace ssmi::probe
