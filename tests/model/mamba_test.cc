#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/max.h>

#include <map>

#include "ssmi/core/file.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/model/forward_rows.h"
#include "ssmi/model/model.h"
#include "support.h"

namespace ssmi::model {
namespace {

using States = std::map<std::string, at::Tensor>;

const std::vector<std::string> kCases{
    "mamba",          "mamba-lm",       "mamba-biased",           "mamba-act",
    "mamba-original", "falcon-mamba",   "mamba-original-options", "falcon-mamba-lm",
    "mamba2",         "mamba2-act",     "falcon-mamba-tied",      "mamba2-one-group",
    "mamba2-limited", "mamba2-original"};

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(SSMI_SOURCE_DIR) / "tests/golden/parity" / name;
}

at::Tensor tensor_of(const io::TensorView& view, at::ScalarType type) {
  return at::from_blob(const_cast<std::byte*>(view.data.data()), view.shape, type).clone();
}

std::string name_of(Site site, int64_t layer) {
  const bool hidden = site == Site::kEmbedding || site == Site::kBlockOutput;
  return hidden ? fmt::format("hidden_states.{}", layer) : std::string(info(site).name);
}

std::vector<std::vector<int64_t>> rows_of(const io::TensorMap& reference) {
  const at::Tensor ids = tensor_of(reference.at("input_ids"), at::kLong);
  const at::Tensor offsets = tensor_of(reference.at("offsets"), at::kLong);
  const auto* data = ids.const_data_ptr<int64_t>();
  const auto* at = offsets.const_data_ptr<int64_t>();
  std::vector<std::vector<int64_t>> rows;
  for (int64_t row = 0; row + 1 < offsets.numel(); ++row)
    rows.emplace_back(data + at[row], data + at[row + 1]);
  return rows;
}

/// Hidden states, the final norm and the logits, if there are any, of rows end to end.
States all_states(const Model& model, const Batch& batch) {
  Points points{{Site::kFinalNorm, 0}, {Site::kLogits, 0}};
  for (int64_t layer = 0; layer <= model.info().layers; ++layer)
    points.push_back(hidden_state(layer));
  States states;
  model.forward(batch, Tap(points, [&](Site site, int64_t layer, at::Tensor& value) {
                  states[name_of(site, layer)] = value;
                }));
  return states;
}

double largest_difference(const at::Tensor& found, const at::Tensor& expected) {
  return (found - expected).abs().max().item<double>();
}

TEST_CASE("mamba: hidden states, norm and logits equal the transformers library's") {
  for (const std::string& name : kCases) {
    CAPTURE(name);
    const auto model = load_model(io::open_checkpoint(golden(name))).model;
    const auto reference = io::open_safetensors(golden(name) / "reference.safetensors").tensors;
    const States states = all_states(*model, pack(rows_of(reference)));
    CHECK(states.contains("logits") == reference.contains("logits"));
    for (const auto& [key, view] : reference) {
      if (key == "input_ids" || key == "offsets") continue;
      CAPTURE(key);
      const at::Tensor expected = tensor_of(view, at::kFloat);
      REQUIRE(states.at(key).sizes() == expected.sizes());
      CHECK(largest_difference(states.at(key), expected) < 2e-5);
    }
  }
}

}  // namespace
}  // namespace ssmi::model
