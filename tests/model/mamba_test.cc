#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/max.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

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

TEST_CASE("mamba: what a tap looks at changes nothing, and the pass goes through every site") {
  for (const std::string name : {"mamba-lm", "falcon-mamba-lm", "mamba2-limited"}) {
    CAPTURE(name);
    const auto model = load_model(io::open_checkpoint(golden(name))).model;
    const auto reference = io::open_safetensors(golden(name) / "reference.safetensors").tensors;
    const Batch batch = pack(rows_of(reference));
    Points points;
    for (const SiteInfo& site : sites()) {
      points.emplace_back(site.site, site.per_block ? 1 : 0);
      if (site.per_block) points.emplace_back(site.site, 2);
    }
    States shown;
    model->forward(batch, Tap(points, [&](Site site, int64_t layer, at::Tensor& value) {
                     shown[fmt::format("{} {}", info(site).name, layer)] = value;
                   }));
    const auto named = model->info().sites;
    CHECK(shown.size() == 2 * named.size() - 3);  // embedding, norm and logits have no layer
    const States unseen = all_states(*model, batch);
    CHECK(largest_difference(shown.at("logits 0"), unseen.at("logits")) < 1e-5);
    CHECK(shown.at("block_input 2").equal(shown.at("block_output 1")));
    CHECK(shown.at("delta 1").min().item<float>() >= 0);
  }
}

TEST_CASE("mamba: a tap may replace step sizes, the scan's output and the gate") {
  for (const std::string name : {"mamba", "mamba2"}) {
    CAPTURE(name);
    const auto model = load_model(io::open_checkpoint(golden(name))).model;
    const Batch batch = pack(std::vector<std::vector<int64_t>>{{3, 9, 27}, {5}});
    for (const Site site : {Site::kConvOutput, Site::kStateOutput, Site::kGate}) {
      at::Tensor output;
      const Points points{{site, 2}, {Site::kMixerOutput, 2}};
      model->forward(batch, Tap(points, [&](Site at, int64_t, at::Tensor& value) {
                       if (at == Site::kMixerOutput) output = value;
                       if (at == site) value = value * 0;
                     }));
      CHECK(output.abs().max().item<float>() == 0);
    }
  }
}

/// A folder with one case's config, changed, and its weights.
io::Checkpoint changed(const test::TemporaryFolder& folder, const std::string& name,
                       const Json& change) {
  Json config = io::read_config(golden(name) / "config.json");
  config.update(change);
  write_file(folder / "config.json", to_text(config));
  std::filesystem::copy_file(golden(name) / "model.safetensors", folder / "model.safetensors");
  return io::open_checkpoint(folder.path());
}

TEST_CASE("mamba: configs that do not fit are refused by name") {
  const Json cfg{{"layer", "Mamba2"}, {"d_state", 8}, {"headdim", 8}, {"ngroups", 2}};
  const auto with = [&](const std::string& key, const Json& value) {
    Json options = cfg;
    options[key] = value;
    return Json{{"ssm_cfg", options}};
  };
  const std::vector<std::tuple<std::string, Json, std::string>> cases{
      {"mamba", {{"state_size", 9}}, "'layers.0.mixer.A_log' has shape [64, 8]"},
      {"mamba", {{"num_hidden_layers", 3}}, "missing tensors: 'backbone.layers.2.norm.weight'"},
      {"mamba", {{"time_step_rank", "most"}}, "should be a number or 'auto', found 'most'"},
      {"mamba", {{"expand", 0}, {"intermediate_size", nullptr}}, "'expand' times 'hidden_size'"},
      {"mamba", {{"hidden_act", "xielu"}}, "'hidden_act' is 'xielu', which is not known"},
      {"mamba", {{"time_step_min", 0}}, "expected positive numbers"},
      {"mamba2", {{"num_heads", 4}}, "4 heads of width 8 make 32, expected the inner width, 64"},
      {"mamba2", {{"n_groups", 3}}, "3 groups do not divide 8 heads"},
      {"mamba2", {{"time_step_limit", {0.5, 0.1}}}, "'time_step_limit' should be two numbers"},
      {"mamba2", {{"time_step_limit", {0, {{"__float__", "NaN"}}}}}, "should be two numbers"},
      {"mamba2-original", {{"attn_layer_idx", {1}}}, "blocks of attention are not supported"},
      {"mamba2-original", {{"d_intermediate", 64}}, "blocks with an MLP are not supported"},
      {"mamba2-original", with("rmsnorm", false), "'rmsnorm' is false, only true is supported"},
      {"mamba2-original", with("norm_before_gate", true), "'norm_before_gate' is true"},
      {"mamba2-original", with("d_ssm", 32), "only the whole inner width, 64, is supported"},
      {"mamba2-original", with("width", 1), "'width' is not known; known are: layer, d_state"},
      {"mamba2-original", with("layer", "Mamba3"),
       "should be 'Mamba1' or 'Mamba2', found 'Mamba3'"}};
  for (const auto& [name, change, message] : cases) {
    CAPTURE(message);
    const test::TemporaryFolder folder;
    test::check_fails(ExitCode::kBadInput, message, [&, &name = name, &change = change] {
      load_model(changed(folder, name, change));
    });
  }
}

TEST_CASE("mamba: initial values are those of the library that wrote the config") {
  for (const std::string name : {"mamba-lm", "mamba2", "mamba-original", "mamba2-original"}) {
    CAPTURE(name);
    const Json config = io::read_config(golden(name) / "config.json");
    const auto model = make_model(config, "config.json");
    initialise(*model, 1);
    States values;
    model->visit([&](const Parameter& p, at::Tensor& tensor) { values[p.name] = tensor; });
    const bool original = !config.contains("model_type"), second = name.starts_with("mamba2");
    const std::string mixer = "backbone.layers.1.mixer.";
    const at::Tensor bias = values.at(mixer + (second ? "dt_bias" : "dt_proj.bias"));
    for (int64_t e = 0; e < bias.size(0); ++e) {
      const double step = std::log1p(std::exp(bias[e].item<double>()));
      CHECK(step > 0.000999);
      CHECK(step < 0.1001);
    }
    const at::Tensor a = values.at(mixer + "A_log").exp().flatten();
    CHECK(a.min().item<float>() >= 0.999F);
    if (!original || !second) CHECK(a[7].item<float>() == doctest::Approx(8));
    const at::Tensor in = values.at(mixer + "in_proj.weight");
    const double expected = original ? 1 / std::sqrt(3.0 * 32) : 0.1;
    CHECK(in.std().item<double>() == doctest::Approx(expected).epsilon(0.05));
    const at::Tensor out = values.at(mixer + "out_proj.weight");
    const double bound = 1 / std::sqrt(out.size(1)) / (original ? std::sqrt(2.0) : 1);
    CHECK(out.abs().max().item<double>() <= bound);
    CHECK(out.abs().max().item<double>() > 0.98 * bound);
    CHECK(values.at(mixer + "D").min().item<float>() == 1);
  }
}

TEST_CASE(
    "mamba: the dynamics at the bias are softplus(bias) and -exp(A_log), one a head in Mamba-2") {
  for (const std::string name : {"mamba", "mamba2-limited"}) {
    const auto checkpoint = io::open_checkpoint(golden(name));
    const auto dynamics = load_model(checkpoint, is_state_space).model->selective_dynamics();
    REQUIRE(dynamics.size() == 2);
    const bool second = name.starts_with("mamba2");
    const std::string mixer = second ? "backbone.layers.1.mixer." : "layers.1.mixer.";
    const at::Tensor bias =
        tensor_of(checkpoint.tensors.at(mixer + (second ? "dt_bias" : "dt_proj.bias")), at::kFloat);
    const at::Tensor a_log = tensor_of(checkpoint.tensors.at(mixer + "A_log"), at::kFloat);
    CHECK(dynamics[1].a.size(1) == (second ? 1 : 8));
    for (int64_t e = 0; e < bias.size(0); ++e) {
      double step = std::log1p(std::exp(bias[e].item<double>()));
      if (second) step = std::clamp(step, 0.05, 0.4);
      CHECK(dynamics[1].delta[e].item<double>() == doctest::Approx(step).epsilon(1e-9));
      const auto first = second ? a_log[e] : a_log[e][0];
      CHECK(dynamics[1].a[e][0].item<double>() ==
            doctest::Approx(-std::exp(first.item<double>())).epsilon(1e-9));
    }
  }
}

}  // namespace
}  // namespace ssmi::model
