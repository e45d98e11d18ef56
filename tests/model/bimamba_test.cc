#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/max.h>

#include <cmath>
#include <map>

#include "ssmi/core/file.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/model/forward_rows.h"
#include "ssmi/model/model.h"
#include "support.h"

namespace ssmi::model {
namespace {

using States = std::map<std::string, at::Tensor>;

std::filesystem::path bundled() {
  return test::share() / "models" / "bimamba-typeseg";
}

at::Tensor tensor_of(const io::TensorView& view, at::ScalarType type) {
  return at::from_blob(const_cast<std::byte*>(view.data.data()), view.shape, type).clone();
}

/// Every hidden state, the final norm and the logits of each row.
std::vector<States> all_states(const Model& model, const std::vector<std::vector<int64_t>>& rows) {
  Points points{{Site::kFinalNorm, 0}, {Site::kLogits, 0}};
  for (int64_t layer = 0; layer <= model.info().layers; ++layer) {
    points.push_back(hidden_state(layer));
  }
  std::vector<States> states(rows.size());
  const auto keep = [&](size_t row, Site site, int64_t layer, const at::Tensor& value) {
    const bool hidden = site == Site::kEmbedding || site == Site::kBlockOutput;
    const std::string name =
        hidden ? fmt::format("hidden_states.{}", layer) : std::string(info(site).name);
    states[row][name] = value.clone();
  };
  forward_rows(model, rows, points, 4096, keep, [](size_t) {});
  return states;
}

double relative_difference(const at::Tensor& found, const at::Tensor& expected) {
  return (found - expected).abs().max().item<double>() / expected.abs().max().item<double>();
}

TEST_CASE("bimamba: hidden states, norm and logits equal the reference implementation's") {
  const auto model = load_model(io::open_checkpoint(bundled())).model;
  const auto reference = io::open_safetensors(std::filesystem::path(SSMI_SOURCE_DIR) /
                                              "tests/golden/bimamba-typeseg/reference.safetensors");
  const at::Tensor ids = tensor_of(reference.tensors.at("input_ids"), at::kLong);
  const auto* data = ids.const_data_ptr<int64_t>();
  const States states = all_states(*model, {{data, data + ids.numel()}}).front();
  CHECK(states.size() == 9);
  for (const auto& [name, found] : states) {
    CAPTURE(name);
    const at::Tensor expected = tensor_of(reference.tensors.at(name), at::kFloat).squeeze(0);
    REQUIRE(found.sizes() == expected.sizes());
    CHECK(relative_difference(found, expected) < 1e-5);
  }
}

TEST_CASE("bimamba: a row in a batch gives what the row alone gives") {
  const auto model = load_model(io::open_checkpoint(bundled())).model;
  Random random(1, "rows");
  std::vector<std::vector<int64_t>> rows;
  for (const size_t length : {1, 2, 3, 5, 90, 300}) {
    rows.emplace_back(length);
    for (int64_t& id : rows.back())
      id = static_cast<int64_t>(32 + random.below(95));
  }
  const auto together = all_states(*model, rows);
  for (size_t row = 0; row < rows.size(); ++row) {
    const States alone = all_states(*model, {rows[row]}).front();
    for (const auto& [name, expected] : alone) {
      CAPTURE(name);
      CAPTURE(row);
      CHECK(relative_difference(together[row].at(name), expected) < 1e-5);
    }
  }
}

TEST_CASE("bimamba: replacing a block's output at a tap replaces what follows") {
  const auto model = load_model(io::open_checkpoint(bundled())).model;
  const Batch batch = pack(std::vector<std::vector<int64_t>>{{100, 101, 102}});
  at::Tensor first, last;
  const Points points{{Site::kBlockOutput, 1}, {Site::kBlockInput, 2}};
  model->forward(batch, Tap(points, [&](Site site, int64_t, at::Tensor& value) {
                   if (site == Site::kBlockOutput) value = value * 0;
                   if (site == Site::kBlockInput) last = value;
                 }));
  CHECK(last.abs().max().item<float>() == 0);
}

TEST_CASE("bimamba: the pass goes through every site it names, and no other") {
  const auto model = load_model(io::open_checkpoint(bundled())).model;
  Points points;
  for (const SiteInfo& site : sites())
    points.emplace_back(site.site, site.per_block ? 1 : 0);
  std::map<Site, int64_t> widths;
  const Tap tap(points, [&](Site site, int64_t, at::Tensor& value) {
    CHECK(value.size(0) == 4);
    widths[site] = value.size(1);
  });
  model->forward(pack(std::vector<std::vector<int64_t>>{{40, 41}, {42, 43}}), tap);
  const auto named = model->info().sites;
  CHECK(widths.size() == named.size());
  for (const Site site : named)
    CHECK(widths.at(site) == (site == Site::kLogits ? 35 : 256));
}

TEST_CASE("bimamba: the dynamics at the bias are softplus(bias) + floor and -exp(A_log)") {
  const auto checkpoint = io::open_checkpoint(bundled());
  const auto dynamics = load_model(checkpoint).model->selective_dynamics();
  REQUIRE(dynamics.size() == 12);
  for (size_t i = 0; i < dynamics.size(); ++i) {
    CHECK(dynamics[i].layer == static_cast<int64_t>(i) / 2 + 1);
    CHECK((dynamics[i].direction ==
           (i % 2 == 0 ? kernels::Direction::kForward : kernels::Direction::kBackward)));
    const auto stored = [&](const char* name) {
      const auto& view =
          checkpoint.tensors.at(fmt::format("backbone.layers.{}.mixer.{}", i / 2, name));
      return tensor_of(view, at::kFloat);
    };
    const at::Tensor bias = stored("dt_proj.bias"), a_log = stored("A_log");
    REQUIRE(dynamics[i].a.sizes() == a_log.sizes());
    REQUIRE(dynamics[i].delta.sizes() == bias.sizes());
    for (int64_t e = 0; e < bias.size(0); e += 17) {
      CHECK(dynamics[i].delta[e].item<double>() ==
            doctest::Approx(std::log1p(std::exp(bias[e].item<double>())) + 1e-4).epsilon(1e-12));
      CHECK(dynamics[i].a[e][3].item<double>() ==
            doctest::Approx(-std::exp(a_log[e][3].item<double>())).epsilon(1e-12));
    }
  }
}

TEST_CASE("model: ids outside the vocabulary are refused") {
  const auto model = load_model(io::open_checkpoint(bundled())).model;
  test::check_fails(ExitCode::kMismatch, "token id 130 is outside the model's vocabulary of 130",
                    [&] { all_states(*model, {{1, 130}}); });
  test::check_fails(ExitCode::kMismatch, "token id -1", [&] { all_states(*model, {{-1}}); });
}

TEST_CASE("init: moments of the initialisation, equal for equal seeds, saved and loaded alike") {
  const auto checkpoint = io::open_checkpoint(bundled());
  const auto make = [&](uint64_t seed) {
    auto model = make_model(checkpoint.config, "config.json");
    initialise(*model, seed);
    return model;
  };
  const auto model = make(1);
  CHECK(parameter_count(*model) == 1364035);
  std::map<std::string, at::Tensor> values;
  model->visit([&](const Parameter& p, at::Tensor& tensor) { values[p.name] = tensor; });
  const auto deviation = [&](const std::string& name) {
    return values.at(name).std().item<double>();
  };
  CHECK(deviation("backbone.embeddings.weight") == doctest::Approx(0.02).epsilon(0.02));
  CHECK(deviation("backbone.layers.0.mixer.in_proj.weight") ==
        doctest::Approx(1 / 16.0).epsilon(0.02));
  CHECK(deviation("backbone.layers.3.mixer.dt_proj.weight") ==
        doctest::Approx(1 / 4.0).epsilon(0.05));
  CHECK(values.at("backbone.layers.3.mixer.in_proj.weight").abs().max().item<double>() <
        2 / 0.8796 / 16 + 1e-6);

  const test::TemporaryFolder folder;
  save_model(*model, checkpoint.config, folder / "twin");
  const auto loaded = load_model(io::open_checkpoint(folder / "twin")).model;
  const auto other = make(2);
  const auto same = make(1);
  const auto equals = [&](Model& candidate) {
    bool equal = true;
    candidate.visit(
        [&](const Parameter& p, at::Tensor& t) { equal = equal && values.at(p.name).equal(t); });
    return equal;
  };
  CHECK(equals(*loaded));
  CHECK(equals(*same));
  CHECK_FALSE(equals(*other));
  test::check_fails(ExitCode::kDisk, "exists already",
                    [&] { save_model(*model, checkpoint.config, folder / "twin"); });
}

}  // namespace
}  // namespace ssmi::model
