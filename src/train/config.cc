#include "ssmi/train/config.h"

#include <fmt/ranges.h>

#include <array>
#include <cmath>
#include <numbers>
#include <ranges>
#include <utility>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::train {
namespace {

constexpr int64_t kMaxSteps = int64_t{1} << 40;
constexpr int64_t kMaxTokens = 1 << 24;

double within(const JsonObject& config, const std::string& key, double low, double high) {
  const double value = config.number(key);
  if (value >= low && value <= high) return value;
  bad_input("{}: '{}' is {}, expected {} to {}", config.where(), key, value, low, high);
}

Objective objective_of(const JsonObject& config) {
  static constexpr std::array kKnown{
      std::pair("mlm", Objective::kMaskedTokens), std::pair("lm", Objective::kNextToken),
      std::pair("types", Objective::kTypes), std::pair("code-search", Objective::kCodeSearch),
      std::pair("sqa", Objective::kAnswers)};
  const std::string name = config.string("objective");
  for (const auto& [known, objective] : kKnown)
    if (known == name) return objective;
  bad_input("{}: objective '{}' is not known; known are: {}", config.where(), excerpt(name),
            fmt::join(std::views::keys(kKnown), ", "));
}

}  // namespace

TrainConfig read_train_config(const Json& json, const std::string& where) {
  const JsonObject config(json, where);
  const auto steps = [&](const char* key) { return config.integer(key, 1, kMaxSteps); };
  TrainConfig result{.model = config.at("model"),
                     .objective = objective_of(config),
                     .steps = steps("steps"),
                     .length = config.integer("length", 2, kMaxTokens),
                     .batch_tokens = config.integer("batch_tokens", 2, kMaxTokens),
                     .learning_rate = within(config, "learning_rate", 0, 10),
                     .state_learning_rate = within(config, "state_learning_rate", 0, 10),
                     .final_learning_rate = within(config, "final_learning_rate", 0, 1),
                     .warmup = config.integer("warmup", 0, kMaxSteps),
                     .weight_decay = within(config, "weight_decay", 0, 10),
                     .beta1 = within(config, "beta1", 0, 0.999999),
                     .beta2 = within(config, "beta2", 0, 0.999999),
                     .epsilon = within(config, "epsilon", 1e-20, 1),
                     .clip = within(config, "clip", 0, 1e9),
                     .checkpoint_every = steps("checkpoint_every"),
                     .validate_every = steps("validate_every"),
                     .log_every = steps("log_every"),
                     .validation_tokens = config.integer("validation_tokens", 1, kMaxSteps),
                     .seed = static_cast<uint64_t>(config.integer("seed", 0, INT64_MAX))};
  config.refuse_other_keys();
  if (!result.model.is_object()) bad_input("{}: 'model' should be an object", where);
  if (result.batch_tokens % result.length != 0) {
    bad_input("{}: 'batch_tokens' is {}, expected a multiple of 'length', which is {}", where,
              result.batch_tokens, result.length);
  }
  if (result.warmup >= result.steps) {
    bad_input("{}: 'warmup' is {}, expected fewer than 'steps', which is {}", where, result.warmup,
              result.steps);
  }
  return result;
}

void set_values(Json& config, std::span<const std::string> assignments) {
  for (const std::string& assignment : assignments) {
    const size_t sign = assignment.find('=');
    if (sign == assignment.npos || sign == 0) {
      fail(ExitCode::kUsage, "--set {}: expected KEY=VALUE", excerpt(assignment));
    }
    std::string key = assignment.substr(0, sign);
    if (key == "layers") key = "model.num_hidden_layers";
    Json* place = &config;
    for (size_t begin = 0; begin <= key.size();) {
      const size_t end = std::min(key.find('.', begin), key.size());
      const std::string part = key.substr(begin, end - begin);
      const bool of_model = begin > 0 && key.starts_with("model.");
      if (!place->is_object() || (!place->contains(part) && !of_model)) {
        fail(ExitCode::kUsage, "--set {}: the configuration has no key '{}'", excerpt(assignment),
             excerpt(key));
      }
      place = &(*place)[part];
      begin = end + 1;
    }
    const std::string text = assignment.substr(sign + 1);
    Json value = Json::parse(text, nullptr, false);
    *place = value.is_discarded() ? Json(text) : std::move(value);
  }
}

double schedule(const TrainConfig& config, int64_t step) {
  const auto at = static_cast<double>(step);
  const auto warmup = static_cast<double>(config.warmup), steps = static_cast<double>(config.steps);
  if (at <= warmup) return at / warmup;
  const double done = (at - warmup) / std::max(steps - warmup, 1.0);
  const double low = config.final_learning_rate;
  return low + (1 - low) * (1 + std::cos(std::numbers::pi * std::min(done, 1.0))) / 2;
}

}  // namespace ssmi::train
