#pragma once

#include <ATen/core/Tensor.h>

namespace ssmi::probe {

/// Makes columns have mean 0 and standard deviation 1 over the rows it is made of [n, d] (float64);
/// a column that is constant there is only centred.
class Standardise {
 public:
  explicit Standardise(const at::Tensor& rows);
  at::Tensor operator()(const at::Tensor& rows) const;

 private:
  at::Tensor mean_, deviation_;
};

}  // namespace ssmi::probe
