#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "ssmi/core/json.h"

namespace ssmi::train {

/// A loss with what it was made of.
struct Judged {
  at::Tensor scores;  ///< [M, classes]
  at::Tensor labels;  ///< [M] int64: which class is right
  at::Tensor loss;    ///< a scalar, the mean over them
  int64_t tokens;     ///< that the model was given
};

/// The loss and the share of right answers over several batches.
class Validation {
 public:
  void add(const Judged& batch);
  /// As Work::validate gives it: empty where nothing was added.
  Json result() const;

 private:
  double loss_ = 0, right_ = 0, count_ = 0;
};

}  // namespace ssmi::train
