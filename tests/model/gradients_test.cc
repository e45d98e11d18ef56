#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <map>

#include "ssmi/core/random.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/model/model.h"
#include "support.h"

namespace ssmi::model {
namespace {

at::Tensor normal_like(Random& random, const at::Tensor& x) {
  at::Tensor result = at::empty(x.sizes(), at::kDouble);
  std::generate_n(result.data_ptr<double>(), result.numel(), [&] { return random.normal(); });
  return result;
}

/// A model whose parameters are leaves of the graph, none at a value where it does nothing.
class Trained {
 public:
  Trained(const Json& config, at::ScalarType type) : model_(make_model(config, "config.json")) {
    initialise(*model_, 5);
    Random random(5, "gradients");
    std::map<const void*, at::Tensor> leaves;  // tied parameters stay one
    model_->visit([&](const Parameter& parameter, at::Tensor& tensor) {
      at::Tensor& leaf = leaves[tensor.const_data_ptr()];
      if (!leaf.defined()) {
        const double noise = parameter.state_space ? 0.02 : 0.2;
        leaf = (tensor.to(at::kDouble) + noise * normal_like(random, tensor)).to(type);
        leaf.requires_grad_(true);
        names_.push_back(parameter.name);
        parameters_[parameter.name] = leaf;
      }
      tensor = leaf;
    });
  }

  /// Of rows of several lengths.
  at::Tensor loss() const {
    std::vector<std::vector<int64_t>> rows;
    for (const size_t tokens : {5, 1, 9, 9, 2}) {
      auto& row = rows.emplace_back(tokens);
      for (size_t i = 0; i < tokens; ++i)
        row[i] = static_cast<int64_t>((i * i + tokens) % 5);
    }
    at::Tensor result;
    const auto sites = model_->info().sites;
    const bool headed = std::ranges::find(sites, Site::kLogits) != sites.end();
    const std::vector<std::pair<Site, int64_t>> points{
        {headed ? Site::kLogits : Site::kFinalNorm, 0}};
    const Tap tap(points, [&](Site, int64_t, at::Tensor& value) {
      Random random(6, "loss");
      result = (value * normal_like(random, value).to(value.scalar_type())).sum();
    });
    model_->forward(pack(rows), tap);
    return result;
  }

  const std::vector<std::string>& names() const { return names_; }
  at::Tensor parameter(const std::string& name) const { return parameters_.at(name); }
  at::Tensor gradient(const std::string& name) const {
    const at::Tensor found = parameters_.at(name).grad();
    REQUIRE_MESSAGE(found.defined(), name);
    return found;
  }
  double largest_gradient() const {
    double largest = 0;
    for (const auto& [name, parameter] : parameters_)
      largest = std::max(largest, parameter.grad().abs().max().item<double>());
    return largest;
  }

 private:
  std::unique_ptr<Model> model_;
  std::vector<std::string> names_;
  std::map<std::string, at::Tensor> parameters_;
};

/// The derivative of the loss by a parameter along `direction`, by central differences.
double difference(const Trained& model, at::Tensor parameter, const at::Tensor& direction) {
  const at::NoGradGuard no_gradients;
  constexpr double kStep = 1e-5;
  const at::Tensor old = parameter.clone();
  const auto at = [&](double step) {
    parameter.copy_(old + step * direction);
    return model.loss().item<double>();
  };
  const double result = (at(kStep) - at(-kStep)) / (2 * kStep);
  parameter.copy_(old);
  return result;
}

/// In float64 every parameter's gradient is the loss's difference; in float32, where kernels are
/// fused, it is the same gradient but for rounding, also where it is zero in exact arithmetic.
void check_gradients(const Json& config) {
  at::set_num_threads(1);  // what is so small gains nothing by more
  const Trained exact(config, at::kDouble), rounded(config, at::kFloat);
  exact.loss().backward();
  rounded.loss().backward();
  Random random(7, "directions");
  for (const std::string& name : exact.names()) {
    CAPTURE(name);
    const at::Tensor gradient = exact.gradient(name);
    const double largest = gradient.abs().max().item<double>();
    CHECK(largest > 0);
    const at::Tensor direction = normal_like(random, gradient);
    const double scale = gradient.norm().item<double>();
    CHECK((gradient * direction).sum().item<double>() ==
          doctest::Approx(difference(exact, exact.parameter(name), direction))
              .epsilon(1e-6)
              .scale(scale + 1e-3 * exact.largest_gradient()));
    const at::Tensor error = rounded.gradient(name).to(at::kDouble) - gradient;
    CHECK(error.abs().max().item<double>() < 2e-4 * largest + 1e-6 * exact.largest_gradient());
  }
}

Json with(Json config, const Json& changes) {
  config.update(changes);
  return config;
}

TEST_CASE("gradients: CodeSSM and BiGS, every variant, every head") {
  const Json base{{"model_type", "codessm"},
                  {"hidden_size", 16},
                  {"intermediate_size", 24},
                  {"num_hidden_layers", 2},
                  {"num_ssm", 8},
                  {"vocab_size", 20},
                  {"num_labels", 3},
                  {"architectures", {"BiGSForMaskedLM"}}};
  const std::vector<Json> variants{Json::object(),
                                   {{"num_kernels", 4}, {"high_frequency", true}},
                                   {{"num_kernels", 16}, {"tie_word_embeddings", false}},
                                   {{"architectures", {"BiGSForSQA"}}},
                                   {{"model_type", "BiGS"},
                                    {"max_position_embeddings", 12},
                                    {"architectures", {"BiGSForSequenceClassification"}}}};
  for (const Json& variant : variants) {
    CAPTURE(variant.dump());
    check_gradients(with(base, variant));
  }
}

TEST_CASE("gradients: RoCoder") {
  const Json base{{"model_type", "rocoder"},
                  {"hidden_size", 16},
                  {"intermediate_size", 24},
                  {"num_hidden_layers", 2},
                  {"num_attention_heads", 2},
                  {"vocab_size", 20},
                  {"architectures", {"RoFormerForMaskedLM"}}};
  for (const bool interleaved : {false, true})
    check_gradients(with(base, {{"interleaved", interleaved}}));
  check_gradients(with(base, {{"architectures", {"RoFormerForTokenClassification"}}}));
}

TEST_CASE("gradients: S4D in both parameterisations") {
  const Json base{{"model_type", "s4d"}, {"hidden_size", 12}, {"num_hidden_layers", 2},
                  {"state_size", 8},     {"vocab_size", 20},  {"num_labels", 3}};
  for (const Json& variant : {Json{{"kernel", "minimal"}}, Json{{"kernel", "diag"}}}) {
    CAPTURE(variant.dump());
    check_gradients(with(base, variant));
  }
}

TEST_CASE("gradients: the bidirectional Mamba") {
  check_gradients({{"model_type", "bimamba"},
                   {"hidden_size", 8},
                   {"num_hidden_layers", 2},
                   {"intermediate_size", 40},
                   {"state_size", 5},
                   {"time_step_rank", 2},
                   {"conv_kernel", 4},
                   {"conv_padding", {1, 2}},
                   {"norm", "layer_norm"},
                   {"layer_norm_epsilon", 1e-6},
                   {"use_bias", true},
                   {"use_x_proj_bias", true},
                   {"use_conv_bias", true},
                   {"time_step_floor_added", 1e-4},
                   {"bidirectional", "shared_weights_sum"},
                   {"vocab_size", 20},
                   {"num_labels", 3}});
}

TEST_CASE("gradients: architectures of transformers' configurations") {
  for (const std::string name :
       {"mamba-lm", "mamba-original-options", "falcon-mamba-lm", "mamba2", "mamba2-one-group",
        "bert-masked-lm", "gpt2-lm", "llama", "neox", "neox-serial"}) {
    CAPTURE(name);
    const Json config = io::read_config(std::filesystem::path(SSMI_SOURCE_DIR) /
                                        "tests/golden/parity" / name / "config.json");
    check_gradients(config);
  }
}

}  // namespace
}  // namespace ssmi::model
