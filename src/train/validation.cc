#include "validation.h"

#include <ATen/ops/argmax.h>

namespace ssmi::train {

void Validation::add(const Judged& batch) {
  const auto count = static_cast<double>(batch.labels.numel());
  loss_ += count * batch.loss.item<double>();
  right_ += at::argmax(batch.scores, 1).eq(batch.labels).sum().item<double>();
  count_ += count;
}

Json Validation::result() const {
  if (count_ == 0) return Json::object();
  return {{"validation_loss", loss_ / count_}, {"validation_accuracy", right_ / count_}};
}

}  // namespace ssmi::train
