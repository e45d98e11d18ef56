#include "train/validation.h"

#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include "support.h"

namespace ssmi::train {
namespace {

/// Of as many items as labels, each taken for the class of its place.
Judged judged(const std::vector<int64_t>& labels, double loss) {
  return {at::eye(static_cast<int64_t>(labels.size())), at::tensor(labels, at::kLong),
          at::full({}, loss, at::kDouble), 7};
}

TEST_CASE("train validation: batches count by their items, and none give nothing") {
  Validation validation;
  CHECK(validation.result() == Json::object());
  validation.add(judged({0, 1, 0}, 2));
  validation.add(judged({0}, 4));
  CHECK(validation.result() ==
        Json{{"validation_loss", (3 * 2 + 4) / 4.0}, {"validation_accuracy", 3 / 4.0}});
}

}  // namespace
}  // namespace ssmi::train
