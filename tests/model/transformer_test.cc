#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <ATen/ops/zeros_like.h>

#include <fmt/format.h>

#include <map>

#include "ssmi/model/forward_rows.h"
#include "ssmi/model/model.h"
#include "support.h"

namespace ssmi::model {
namespace {

using Rows = std::vector<std::vector<int64_t>>;
using Values = std::map<std::pair<Site, int64_t>, at::Tensor>;

const Rows kRows{{5, 9, 2}, {31, 4, 4}, {7}, {1, 8, 60, 3, 22, 6}};

const std::vector<std::string> kCases{"bert",  "roberta",      "rocoder",   "gpt2-lm",
                                      "neox",  "neox-serial",  "llama",     "llama-head-dim",
                                      "qwen2", "qwen2-window", "starcoder2"};

std::unique_ptr<Model> open(const std::string& name) {
  return load_model(io::open_checkpoint(std::filesystem::path(SSMI_SOURCE_DIR) /
                                        "tests/golden/parity" / name))
      .model;
}

/// What a pass shows at all sites that the model has, but for the probabilities.
Points all_points(const ModelInfo& model) {
  Points points;
  for (const Site site : model.sites) {
    if (site == Site::kAttentionProbs) continue;
    const int64_t count = info(site).per_block ? model.layers : 0;
    for (int64_t layer = std::min<int64_t>(count, 1); layer <= count; ++layer)
      points.emplace_back(site, layer);
  }
  return points;
}

Values run(const Model& model, const Rows& rows, const Points& points) {
  Values values;
  model.forward(pack(rows), Tap(points, [&](Site site, int64_t layer, at::Tensor& value) {
                  values[{site, layer}] = value.clone();
                }));
  return values;
}

double difference(const at::Tensor& one, const at::Tensor& other) {
  REQUIRE(one.sizes() == other.sizes());
  return (one - other).abs().max().item<double>();
}

TEST_CASE("transformer: a row's values do not depend on the other rows") {
  for (const std::string& name : kCases) {
    CAPTURE(name);
    const auto model = open(name);
    const Points points = all_points(model->info());
    const Values together = run(*model, kRows, points);
    CHECK(together.size() == points.size());
    int64_t first = 0;
    for (const auto& row : kRows) {
      const int64_t last = first + static_cast<int64_t>(row.size());
      for (const auto& [point, alone] : run(*model, {row}, points)) {
        CAPTURE(info(point.first).name);
        CHECK(difference(together.at(point).slice(0, first, last), alone) < 1e-5);
      }
      first = last;
    }
  }
}

TEST_CASE("transformer: asking for probabilities changes nothing but rounding") {
  for (const std::string& name : kCases) {
    CAPTURE(name);
    const auto model = open(name);
    const int64_t layers = model->info().layers;
    Points points{hidden_state(layers)};
    const Values without = run(*model, kRows, points);
    for (int64_t layer = 1; layer <= layers; ++layer)
      points.emplace_back(Site::kAttentionProbs, layer);
    const Values with = run(*model, kRows, points);
    CHECK(with.contains({Site::kAttentionProbs, layers}));
    CHECK(difference(without.at(points[0]), with.at(points[0])) < 1e-5);
  }
}

TEST_CASE("transformer: the residual stream is the sum of what is written to it") {
  for (const std::string name : {"gpt2-lm", "neox", "neox-serial", "llama", "starcoder2"}) {
    CAPTURE(name);
    const auto model = open(name);
    const Values values = run(*model, kRows, all_points(model->info()));
    at::Tensor stream = values.at({Site::kEmbedding, 0});
    for (int64_t layer = 1; layer <= model->info().layers; ++layer) {
      CHECK(difference(values.at({Site::kBlockInput, layer}), stream) == 0);
      stream =
          stream + values.at({Site::kMixerOutput, layer}) + values.at({Site::kMlpOutput, layer});
      CHECK(difference(values.at({Site::kBlockOutput, layer}), stream) < 1e-5);
      stream = values.at({Site::kBlockOutput, layer});
    }
  }
}

TEST_CASE("transformer: a pass goes on with what a visitor puts in") {
  const auto model = open("gpt2-lm");
  const auto replaced = [&](Site replaced_site) {
    std::vector<at::Tensor> seen;
    const Points points{{replaced_site, 1}, {Site::kMlpOutput, 1}, {Site::kBlockOutput, 1}};
    model->forward(pack(kRows), Tap(points, [&](Site site, int64_t, at::Tensor& value) {
                     if (site == replaced_site) value = at::zeros_like(value);
                     if (site == Site::kBlockOutput) seen.push_back(value);
                   }));
    REQUIRE(seen.size() == 1);
    return seen[0];
  };
  const Values usual = run(*model, kRows, all_points(model->info()));
  const at::Tensor before = usual.at({Site::kBlockInput, 1});
  const at::Tensor attended = usual.at({Site::kMixerOutput, 1});
  CHECK(difference(replaced(Site::kMlpOutput), before + attended) < 1e-6);
  for (const Site site : {Site::kBlockInput, Site::kMixerInput, Site::kMixerOutput}) {
    CAPTURE(info(site).name);
    CHECK(difference(replaced(site), usual.at({Site::kBlockOutput, 1})) > 1e-2);
  }
}

TEST_CASE("transformer: a causal token does not see what follows it, an encoder's does") {
  const Rows one{{5, 9, 2, 17}}, other{{5, 9, 2, 40}};
  for (const std::string& name : kCases) {
    CAPTURE(name);
    const auto model = open(name);
    const auto point = hidden_state(model->info().layers);
    const Points points{point};
    const auto before = [&](const Rows& rows) {
      return run(*model, rows, points).at(point).slice(0, 0, 3);
    };
    const bool is_encoder = name == "bert" || name == "roberta" || name == "rocoder";
    const double moved = difference(before(one), before(other));
    CHECK((is_encoder ? moved > 1e-3 : moved < 1e-6));
  }
}

TEST_CASE("transformer: a window leaves out what lies before it") {
  const Rows one{{5, 9, 2, 17, 3, 8, 11, 30, 2, 4, 6, 7}};
  Rows other = one;
  other[0][0] = 40;
  const auto model = open("starcoder2-window");  // 5 tokens, in each of two blocks
  const auto point = hidden_state(1);
  const Points points{point};
  const at::Tensor moved =
      (run(*model, one, points).at(point) - run(*model, other, points).at(point)).abs().amax(1);
  CHECK(moved[4].item<double>() > 1e-4);
  CHECK(moved.slice(0, 5).max().item<double>() < 1e-6);
}

}  // namespace
}  // namespace ssmi::model
