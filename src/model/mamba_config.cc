// Configs as the transformers library writes them.

#include "mamba_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::model {
namespace {

/// 'expand' times the width, which may be no whole number.
int64_t expanded(const JsonObject& config, int64_t width) {
  const double inner = number_or(config, "expand", 2) * static_cast<double>(width);
  if (!(inner >= 1 && inner <= static_cast<double>(kMaxExtent))) {
    bad_input("{}: 'expand' times 'hidden_size' should be from 1 to {}, found {}", config.where(),
              kMaxExtent, inner);
  }
  return static_cast<int64_t>(inner);
}

int64_t rank_of(const JsonObject& config, int64_t width) {
  const bool automatic =
      !is_given(config, "time_step_rank") || config.at("time_step_rank").is_string();
  if (!automatic) return extent(config, "time_step_rank");
  const std::string word = string_or(config, "time_step_rank", "auto");
  if (word != "auto") {
    bad_input("{}: 'time_step_rank' should be a number or 'auto', found '{}'", config.where(),
              excerpt(word));
  }
  return (width + 15) / 16;
}

MambaInitial read_initial(const JsonObject& config) {
  const double deviation = number_or(config, "initializer_range", 0.1);
  const std::string scheme = string_or(config, "time_step_init_scheme", "random");
  if (scheme != "random" && scheme != "constant") {
    bad_input("{}: 'time_step_init_scheme' should be 'random' or 'constant', found '{}'",
              config.where(), excerpt(scheme));
  }
  MambaInitial initial{.embedding_deviation = deviation,
                       .linear_deviation = deviation,
                       .random_conv_bias = false,
                       .rescale_residual = boolean_or(config, "rescale_prenorm_residual", false),
                       .step_min = number_or(config, "time_step_min", 1e-3),
                       .step_max = number_or(config, "time_step_max", 0.1),
                       .step_floor = number_or(config, "time_step_floor", 1e-4),
                       .step_scale = number_or(config, "time_step_scale", 1),
                       .constant_step_weight = scheme == "constant",
                       .counted_decay = true,
                       .decay_min = 1,
                       .decay_max = 16};
  check_mamba_initial(config.where(), initial);
  return initial;
}

/// No published config has the key; one that asks for it would get another network than it means.
void refuse_bidirectional(const JsonObject& config, const std::string& architecture) {
  if (!is_given(config, "bidirectional") || config.at("bidirectional") == false) return;
  bad_input(
      "{}: 'bidirectional' is {}, but a '{}' reads forwards alone; a Mamba that reads both ways is "
      "model_type: bimamba",
      config.where(), excerpt(config.at("bidirectional").dump()), architecture);
}

MambaConfig read_common(const JsonObject& config, const Stored& stored,
                        const std::string& architecture, bool tied_by_default) {
  refuse_bidirectional(config, architecture);
  MambaConfig result{.architecture = architecture,
                     .vocab = extent(config, "vocab_size"),
                     .width = extent(config, "hidden_size"),
                     .layers = config.integer("num_hidden_layers", 1, kMaxLayers),
                     .inner = 0,
                     .states = integer_or(config, "state_size", architecture == "mamba2" ? 128 : 16,
                                          1, kMaxExtent),
                     .conv_width = integer_or(config, "conv_kernel", 4, 1, kMaxConvWidth),
                     .bias = boolean_or(config, "use_bias", false),
                     .conv_bias = boolean_or(config, "use_conv_bias", true),
                     .layer_norm = false,
                     .norm_epsilon = epsilon_or(config, "layer_norm_epsilon", 1e-5),
                     .activation = activation_named(config, "hidden_act", "silu"),
                     .silu = false,
                     .embedding = mamba_embedding_name(stored, "embeddings"),
                     .head = false,
                     .tied_head = false,
                     .initial = read_initial(config),
                     .notes = {}};
  const std::string activation = string_or(config, "hidden_act", "silu");
  result.silu = activation == "silu" || activation == "swish";
  result.inner = expanded(config, result.width);
  const bool tied = boolean_or(config, "tie_word_embeddings", tied_by_default);
  const std::string name = class_name(config);
  const bool speaks = name.empty() || name.ends_with("ForCausalLM");
  if (!speaks && !name.ends_with("Model")) {
    result.notes.push_back(
        fmt::format("no head: that of a '{}' is not known; known are names that end in ForCausalLM",
                    excerpt(name)));
  }
  read_mamba_head(stored, tied, speaks, result);
  return result;
}

Mamba1Config read_mamba1(const JsonObject& config, const Stored& stored,
                         const std::string& architecture) {
  Mamba1Config result{read_common(config, stored, architecture, true), 0, std::nullopt};
  // Where the two disagree, as in the published Falcon-Mamba, this one counts.
  if (is_given(config, "intermediate_size")) result.inner = extent(config, "intermediate_size");
  result.rank = rank_of(config, result.width);
  return result;
}

}  // namespace

void check_mamba_initial(const std::string& where, const MambaInitial& initial) {
  if (initial.step_min > 0 && initial.step_max >= initial.step_min && initial.step_floor > 0 &&
      std::isfinite(initial.step_max)) {
    return;
  }
  bad_input(
      "{}: step sizes begin between {} and {}, at least {}: expected positive numbers, the second "
      "not below the first",
      where, initial.step_min, initial.step_max, initial.step_floor);
}

std::string mamba_embedding_name(const Stored& stored, const std::string& otherwise) {
  for (const std::string name : {"embeddings", "embedding"}) {
    if (stored.find(name + ".weight") != nullptr) return "backbone." + name + ".weight";
  }
  return "backbone." + otherwise + ".weight";
}

void read_mamba_head(const Stored& stored, bool tied, bool named, MambaConfig& config) {
  const bool is_stored = stored.find("lm_head.weight") != nullptr;
  config.tied_head = tied;
  config.head = is_stored || (named && (tied || !stored.known()));
  if (named && !config.head) {
    config.notes.emplace_back(
        "no head: config.json does not tie it to the embedding, but there is "
        "no 'lm_head.weight'");
  }
}

Mamba1Config read_mamba_config(const JsonObject& config, const Stored& stored) {
  return read_mamba1(config, stored, "mamba");
}

Mamba1Config read_falcon_mamba_config(const JsonObject& config, const Stored& stored) {
  Mamba1Config result = read_mamba1(config, stored, "falcon_mamba");
  result.selected_epsilon = epsilon_or(config, "mixer_rms_eps", 1e-6);
  return result;
}

Mamba2Config read_mamba2_config(const JsonObject& config, const Stored& stored) {
  Mamba2Config result{read_common(config, stored, "mamba2", false),
                      extent(config, "num_heads"),
                      integer_or(config, "head_dim", 64, 1, kMaxExtent),
                      integer_or(config, "n_groups", 8, 1, kMaxExtent),
                      0,
                      0};
  std::tie(result.step_min, result.step_max) = step_limits(config, "time_step_limit");
  check_mamba2_heads(config.where(), result);
  return result;
}

void check_mamba2_heads(const std::string& where, const Mamba2Config& config) {
  if (config.heads * config.head_width != config.inner) {
    bad_input("{}: {} heads of width {} make {}, expected the inner width, {}", where, config.heads,
              config.head_width, config.heads * config.head_width, config.inner);
  }
  if (config.heads % config.groups != 0) {
    bad_input("{}: {} groups do not divide {} heads", where, config.groups, config.heads);
  }
}

namespace {

/// A number, or one that JSON cannot write: {"__float__": "Infinity"}.
std::optional<double> as_number(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_object() || value.size() != 1 || !value.contains("__float__")) return std::nullopt;
  const Json& name = value.at("__float__");
  if (name == "Infinity") return std::numeric_limits<double>::infinity();
  if (name == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

}  // namespace

std::pair<double, double> step_limits(const JsonObject& config, const std::string& key) {
  if (!is_given(config, key)) return {0, std::numeric_limits<double>::infinity()};
  const Json& limits = config.at(key);
  if (limits.is_array() && limits.size() == 2) {
    const auto low = as_number(limits[0]), high = as_number(limits[1]);
    if (low && high && *low >= 0 && *low <= *high) return {*low, *high};
  }
  bad_input(
      "{}: '{}' should be two numbers, at least 0 and the second not below the first, found {}",
      config.where(), key, excerpt(limits.dump()));
}

}  // namespace ssmi::model
