#include "config_keys.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>
#include <fmt/ranges.h>

#include <cmath>
#include <map>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::model {
namespace {

at::Tensor exact_gelu(const at::Tensor& x) {
  return at::gelu(x);
}

at::Tensor tanh_gelu(const at::Tensor& x) {
  return at::gelu(x, "tanh");
}

at::Tensor quick_gelu(const at::Tensor& x) {
  return x * at::sigmoid(1.702 * x);
}

const std::map<std::string, Activation>& activations() {
  static const std::map<std::string, Activation> kKnown{
      {"gelu", exact_gelu},       {"gelu_fast", tanh_gelu},
      {"gelu_new", tanh_gelu},    {"gelu_pytorch_tanh", tanh_gelu},
      {"quick_gelu", quick_gelu}, {"relu", at::relu},
      {"silu", at::silu},         {"swish", at::silu},
      {"tanh", at::tanh},
  };
  return kKnown;
}

}  // namespace

bool is_given(const JsonObject& config, const std::string& key) {
  return config.has(key) && !config.at(key).is_null();
}

bool boolean_or(const JsonObject& config, const std::string& key, bool otherwise) {
  return is_given(config, key) ? config.boolean(key) : otherwise;
}

double number_or(const JsonObject& config, const std::string& key, double otherwise) {
  return is_given(config, key) ? config.number(key) : otherwise;
}

double epsilon_or(const JsonObject& config, const std::string& key, double otherwise) {
  const double epsilon = number_or(config, key, otherwise);
  if (epsilon >= 0 && std::isfinite(epsilon)) return epsilon;
  bad_input("{}: '{}' is {}, expected a number that is not negative", config.where(), key, epsilon);
}

int64_t integer_or(const JsonObject& config, const std::string& key, int64_t otherwise, int64_t min,
                   int64_t max) {
  return is_given(config, key) ? config.integer(key, min, max) : otherwise;
}

std::string string_or(const JsonObject& config, const std::string& key,
                      const std::string& otherwise) {
  return is_given(config, key) ? config.string(key) : otherwise;
}

int64_t extent(const JsonObject& config, const std::string& key) {
  return config.integer(key, 1, kMaxExtent);
}

void refuse(const JsonObject& config, const std::string& key, bool refused) {
  if (boolean_or(config, key, !refused) != refused) return;
  bad_input("{}: '{}' is {}, only {} is supported", config.where(), key, refused, !refused);
}

Activation activation_named(const std::string& name) {
  const auto found = activations().find(name);
  return found == activations().end() ? nullptr : found->second;
}

Activation activation_named(const JsonObject& config, const std::string& key,
                            const std::string& otherwise) {
  const std::string name = string_or(config, key, otherwise);
  if (const Activation found = activation_named(name)) return found;
  std::vector<std::string> names;
  for (const auto& [known, function] : activations())
    names.push_back(known);
  bad_input("{}: '{}' is '{}', which is not known; known are: {}", config.where(), key,
            excerpt(name), fmt::join(names, ", "));
}

std::string class_name(const JsonObject& config) {
  if (!is_given(config, "architectures")) return "";
  const Json& names = config.at("architectures");
  if (names.is_array() && names.empty()) return "";
  if (!names.is_array() || names.size() != 1 || !names[0].is_string()) {
    bad_input("{}: 'architectures' should be a list of one class name, found {}", config.where(),
              excerpt(names.dump()));
  }
  return names[0].get<std::string>();
}

int64_t label_count(const JsonObject& config, int64_t otherwise) {
  if (is_given(config, "num_labels")) return extent(config, "num_labels");
  if (!is_given(config, "id2label")) return otherwise;
  const Json& labels = config.at("id2label");
  if (!labels.is_object() || labels.empty()) {
    bad_input("{}: 'id2label' should be an object with a label or more, found {}", config.where(),
              excerpt(labels.dump()));
  }
  return static_cast<int64_t>(labels.size());
}

}  // namespace ssmi::model
