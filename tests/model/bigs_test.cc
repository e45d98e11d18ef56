#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <map>
#include <set>

#include "ssmi/core/file.h"
#include "ssmi/kernels/state_kernel.h"
#include "ssmi/model/model.h"
#include "support.h"

namespace ssmi::model {
namespace {

using Values = std::map<std::string, at::Tensor>;

Json small_config() {
  return {{"model_type", "codessm"}, {"hidden_size", 16}, {"intermediate_size", 24},
          {"num_hidden_layers", 2},  {"num_ssm", 8},      {"vocab_size", 40}};
}

std::unique_ptr<Model> model_of(const Json& config) {
  return make_model(config, "config.json");
}

Values values_of(Model& model) {
  Values values;
  model.visit([&](const Parameter& p, at::Tensor& tensor) { values[p.name] = tensor; });
  return values;
}

/// The formula written out for one kernel, from the stored parameters.
std::vector<double> written_out(const Values& values, const std::string& name, int64_t kernel,
                                int64_t length) {
  const auto part = [&](const char* parameter, int64_t width) {
    const at::Tensor& tensor = values.at(name + parameter);
    return tensor.const_data_ptr<float>() + kernel * width;
  };
  constexpr int64_t kStates = 8;
  const float *c = part("kernel.C", 2 * kStates), *re = part("kernel.A_re", kStates),
              *im = part("kernel.A_im", kStates);
  const double step = std::exp(static_cast<double>(*part("kernel.log_step", 1)));
  std::vector<double> taps(static_cast<size_t>(length));
  for (int64_t n = 0; n < kStates; ++n) {
    const std::complex<double> a(std::min(static_cast<double>(re[n]), -1e-4), im[n]);
    const std::complex<double> residue =
        std::complex<double>(c[2 * n], c[2 * n + 1]) * (std::exp(step * a) - 1.0) / a;
    for (size_t lag = 0; lag < taps.size(); ++lag)
      taps[lag] += (residue * std::exp(static_cast<double>(lag) * step * a)).real();
  }
  return taps;
}

double relative_difference(const at::Tensor& found, const std::vector<double>& expected) {
  double largest = 0, difference = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    const auto value = found[static_cast<int64_t>(i)].item<double>();
    difference = std::max(difference, std::abs(value - expected[i]));
  }
  return difference / largest;
}

TEST_CASE("bigs: state kernels are the formula's, and need state-space parameters alone") {
  constexpr int64_t kLength = 64;
  for (const int64_t kernels : {1, 4, 16}) {
    Json config = small_config();
    config["num_kernels"] = kernels;
    const auto model = model_of(config);
    initialise(*model, 3, [](const Parameter& parameter) { return parameter.state_space; });
    const Values values = values_of(*model);
    CHECK_FALSE(values.at("bigs.encoder.layer.0.dv.weight").defined());
    for (const std::string part : {".fs4.", ".bs4."})  // a mode that would grow
      values.at("bigs.encoder.layer.1" + part + "kernel.A_re").view({-1})[0] = 0.5;
    for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
      const auto found = model->state_kernels(type);
      REQUIRE(found.size() == 4);
      for (size_t i = 0; i < found.size(); ++i) {
        const bool forward = i % 2 == 0;
        CHECK(found[i].layer == static_cast<int64_t>(i) / 2 + 1);
        CHECK((found[i].direction == kernels::Direction::kForward) == forward);
        const std::string name =
            fmt::format("bigs.encoder.layer.{}.{}.", i / 2, forward ? "fs4" : "bs4");
        CHECK(found[i].skip.to(at::kFloat).equal(values.at(name + "D")));
        const at::Tensor taps = kernels::state_kernels(found[i].kernels, kLength);
        REQUIRE(taps.size(0) == kernels);
        for (int64_t g = 0; g < kernels; ++g) {
          const double bound = type == at::kDouble ? 1e-12 : 1e-3;  // exp(x) - 1 and angles of 10^3
          CHECK(relative_difference(taps[g], written_out(values, name, g, kLength)) < bound);
        }
      }
    }
  }
}

TEST_CASE("bigs: names and shapes are those of the published files") {
  Json config = small_config();
  config["model_type"] = "BiGS";
  config["max_position_embeddings"] = 32;
  config["architectures"] = {"BiGSForMaskedLM"};
  std::map<std::string, std::vector<int64_t>> shapes;
  std::vector<std::string> in_float32;
  model_of(config)->visit([&](const Parameter& p, at::Tensor&) {
    shapes[p.name] = p.shape;
    if (p.state_space) in_float32.push_back(p.name);
  });
  const std::string layer = "bigs.encoder.layer.1.";
  const std::map<std::string, std::vector<int64_t>> some{
      {"bigs.embeddings.word_embeddings.weight", {40, 16}},
      {"bigs.embeddings.position_embeddings.weight", {32, 16}},
      {"bigs.embeddings.token_type_embeddings.weight", {2, 16}},
      {"bigs.embeddings.LayerNorm.bias", {16}},
      {layer + "LayerNorm.weight", {16}},
      {layer + "fs4.D", {1}},
      {layer + "bs4.kernel.C", {8, 2}},
      {layer + "bs4.kernel.A_re", {8}},
      {layer + "fs4.kernel.A_im", {8}},
      {layer + "fs4.kernel.log_step", {1}},
      {layer + "dv.weight", {24, 16}},
      {layer + "du_backward.weight", {16, 16}},
      {layer + "duc_forward.bias", {16}},
      {layer + "dol.weight", {24, 16}},
      {layer + "do.weight", {16, 24}},
      {"cls.predictions.bias", {40}},
      {"cls.predictions.transform.LayerNorm.weight", {16}},
      {"cls.predictions.decoder.weight", {40, 16}}};
  for (const auto& [name, shape] : some) {
    CAPTURE(name);
    REQUIRE(shapes.contains(name));
    CHECK(shapes.at(name) == shape);
  }
  CHECK(shapes.size() == 5 + 2 * (2 + 2 * 5 + 7 * 2) + 7);
  CHECK(in_float32.size() == 2 * 2 * 5);

  config["num_kernels"] = 4;
  config["high_frequency"] = true;
  model_of(config)->visit([&](const Parameter& p, at::Tensor&) { shapes[p.name] = p.shape; });
  CHECK(shapes.at(layer + "fs4.kernel.C") == std::vector<int64_t>{4, 8, 2});
  CHECK(shapes.at(layer + "fs4.kernel.A_im") == std::vector<int64_t>{4, 8});
  CHECK(shapes.at(layer + "fs4.D") == std::vector<int64_t>{4});
  CHECK(shapes.at(layer + "bs4.conv.weight") == std::vector<int64_t>{16, 2, 3});
  CHECK(shapes.at(layer + "bs4.conv.bias") == std::vector<int64_t>{16});
}

TEST_CASE("bigs: the configurations of the repository have the parameters they are said to have") {
  const auto count = [](const char* name) {
    const auto file = std::filesystem::path(SSMI_SOURCE_DIR) / "configs/models" / name;
    return parameter_count(*model_of(parse_json(read_file(file, 1 << 20), name)));
  };
  constexpr int64_t kStateSpace = 516;  // of a block: 2 (2 N + N + N + 1 + 1) with N = 64
  // Vocabulary, types, norm; blocks of a norm, two kernels and seven linear layers; head.
  const auto expected = [](int64_t vocab, int64_t width, int64_t inner, int64_t layers) {
    const int64_t linear = 3 * width * inner + 2 * inner + width + 4 * (width * width + width);
    return (vocab + 4) * width + layers * (2 * width + kStateSpace + linear) +
           (vocab + width * width + 3 * width);
  };
  CHECK(count("codessm-published.json") == expected(32100, 1024, 3072, 12));
  CHECK(count("codessm-small.json") == expected(130, 64, 192, 4));
}

TEST_CASE("bigs: initial values are S4D-Lin's") {
  Json config = small_config();
  config["num_kernels"] = 16;
  config["num_hidden_layers"] = 8;
  const auto model = model_of(config);
  initialise(*model, 1);
  std::vector<float> steps, inputs, skips;
  for (const auto& [name, tensor] : values_of(*model)) {
    const auto* data = tensor.const_data_ptr<float>();
    const auto append = [&](std::vector<float>& to) {
      to.insert(to.end(), data, data + tensor.numel());
    };
    if (name.ends_with("kernel.log_step")) append(steps);
    if (name.ends_with("kernel.C")) append(inputs);
    if (name.ends_with("4.D")) append(skips);
    if (name.ends_with("kernel.A_re")) CHECK(tensor.equal(at::full_like(tensor, -0.5)));
    if (name.ends_with("kernel.A_im")) {
      for (int64_t n = 0; n < 8; ++n)
        CHECK(tensor[3][n].item<double>() == doctest::Approx(3.14159265 * static_cast<double>(n)));
    }
  }
  const auto square = [](const std::vector<float>& values) {
    double sum = 0;
    for (const float value : values)
      sum += static_cast<double>(value) * value / static_cast<double>(values.size());
    return sum;
  };
  const auto [least, most] = std::ranges::minmax(steps);  // 256 of them
  CHECK(least >= std::log(0.01));
  CHECK(least < -4.4);
  CHECK(most <= 0);
  CHECK(most > -0.2);
  CHECK(square(inputs) == doctest::Approx(0.5).epsilon(0.1));
  CHECK(square(skips) == doctest::Approx(1).epsilon(0.3));
}

TEST_CASE("bigs: the pass goes through every site it names, and no other") {
  Json config = small_config();
  config["architectures"] = {"CodeSSMForSequenceClassification"};
  config["num_labels"] = 5;
  const auto model = model_of(config);
  initialise(*model, 1);
  std::vector<std::pair<Site, int64_t>> points;
  for (const SiteInfo& site : sites())
    points.emplace_back(site.site, site.per_block ? 1 : 0);
  std::set<Site> shown;
  const Tap tap(points, [&](Site site, int64_t, at::Tensor& value) {
    CHECK(value.size(0) == (site == Site::kLogits ? 2 : 5));
    const std::map<Site, int64_t> others{{Site::kGate, 24}, {Site::kLogits, 5}};
    CHECK(value.size(1) == (others.contains(site) ? others.at(site) : 16));
    shown.insert(site);
  });
  model->forward(pack(std::vector<std::vector<int64_t>>{{30, 31}, {32, 33, 34}}), tap);
  const auto named = model->info().sites;
  CHECK((shown == std::set<Site>(named.begin(), named.end())));
}

TEST_CASE("bigs: replacing a state output at a tap replaces what follows") {
  const auto model = model_of(small_config());
  initialise(*model, 1);
  at::Tensor input, output;
  const std::vector<std::pair<Site, int64_t>> points{
      {Site::kStateOutput, 1}, {Site::kBlockInput, 1}, {Site::kBlockOutput, 1}};
  const Tap tap(points, [&](Site site, int64_t, at::Tensor& value) {
    if (site == Site::kStateOutput) value = value * 0;
    if (site == Site::kBlockInput) input = value;
    if (site == Site::kBlockOutput) output = value;
  });
  model->forward(pack(std::vector<std::vector<int64_t>>{{1, 2, 3}}), tap);
  CHECK(output.equal(input));  // biases begin at 0, and gelu(0) is 0
}

}  // namespace
}  // namespace ssmi::model
