#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <c10/core/InferenceMode.h>

#include <filesystem>

#include "ssmi/io/checkpoint.h"
#include "ssmi/model/forward_rows.h"
#include "support.h"

namespace ssmi::model {
namespace {

/// What the last block gives for each token of a row but the last.
at::Tensor before_last(const Model& model, const std::vector<int64_t>& row) {
  at::Tensor hidden;
  const auto point = hidden_state(model.info().layers);
  model.forward(pack({&row, 1}), Tap({&point, 1}, [&](Site, int64_t, at::Tensor& value) {
                  hidden = value.clone();
                }));
  return hidden.slice(0, 0, hidden.size(0) - 1);
}

TEST_CASE("causal: architectures say whether a token's values change with those behind it") {
  const c10::InferenceMode no_gradients;
  size_t causal = 0, others = 0;
  for (const auto& folder : std::filesystem::directory_iterator(
           std::filesystem::path(SSMI_SOURCE_DIR) / "tests/golden/parity")) {
    CAPTURE(folder.path().string());
    const auto checkpoint = io::open_checkpoint(folder.path());
    const auto loaded = load_model(checkpoint, is_of_body);
    const at::Tensor one = before_last(*loaded.model, {5, 6, 7, 8, 9});
    const at::Tensor two = before_last(*loaded.model, {5, 6, 7, 8, 10});
    const double change = (one - two).abs().max().item<double>();
    if (loaded.model->info().causal) {
      CHECK(change == 0);
      ++causal;
    } else {
      CHECK(change > 1e-5);
      ++others;
    }
  }
  CHECK(causal > 20);
  CHECK(others > 10);
}

}  // namespace
}  // namespace ssmi::model
