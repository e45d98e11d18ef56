// Configs as the original package, mamba_ssm, writes them: no model_type, and the mixer's options
// in 'ssm_cfg', which names only what is not the package's default.

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string_view>

#include "mamba_config.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/model/model.h"

namespace ssmi::model {
namespace {

JsonObject mixer_options(const JsonObject& config) {
  return {config.at("ssm_cfg"), config.where() + ": 'ssm_cfg'"};
}

/// Options that have no effect on what a checkpoint gives, and those that are read; any other is
/// refused.
void check_known(const JsonObject& options, const Json& json,
                 std::span<const std::string_view> known) {
  for (const auto& [key, value] : json.items()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    bad_input("{}: '{}' is not known; known are: {}", options.where(), excerpt(key),
              fmt::join(known, ", "));
  }
}

/// Refuses blocks of another kind: attention, an MLP beside the mixer.
void refuse_hybrids(const JsonObject& config) {
  for (const std::string key : {"attn_layer_idx", "attn_cfg"}) {
    if (!config.has(key) || config.at(key).is_null() || config.at(key).empty()) continue;
    bad_input("{}: '{}' is {}, blocks of attention are not supported", config.where(), key,
              excerpt(config.at(key).dump()));
  }
  if (integer_or(config, "d_intermediate", 0, 0, kMaxExtent) != 0) {
    bad_input("{}: 'd_intermediate' is not 0, blocks with an MLP are not supported",
              config.where());
  }
}

int64_t padded_vocabulary(const JsonObject& config) {
  const int64_t vocab = extent(config, "vocab_size");
  const int64_t multiple = integer_or(config, "pad_vocab_size_multiple", 8, 1, kMaxExtent);
  return (vocab + multiple - 1) / multiple * multiple;
}

/// The range that Mamba-2's A begins in, as [low, high].
std::pair<double, double> decay_range(const JsonObject& options) {
  const auto range =
      options.has("A_init_range") ? step_limits(options, "A_init_range") : std::pair(1.0, 16.0);
  if (range.first > 0 && std::isfinite(range.second)) return range;
  bad_input("{}: 'A_init_range' should be two positive numbers, found {}", options.where(),
            excerpt(options.at("A_init_range").dump()));
}

MambaInitial read_initial(const JsonObject& options) {
  const auto [decay_min, decay_max] = decay_range(options);
  MambaInitial initial{
      .embedding_deviation = 0.02,
      .linear_deviation = std::nullopt,
      .random_conv_bias = true,
      .rescale_residual = true,
      .step_min = number_or(options, "dt_min", 1e-3),
      .step_max = number_or(options, "dt_max", 0.1),
      .step_floor = number_or(options, "dt_init_floor", 1e-4),
      .step_scale = number_or(options, "dt_scale", 1),
      .constant_step_weight = string_or(options, "dt_init", "random") == "constant",
      .counted_decay = false,
      .decay_min = decay_min,
      .decay_max = decay_max};
  check_mamba_initial(options.where(), initial);
  return initial;
}

MambaConfig read_common(const JsonObject& config, const JsonObject& options, const Stored& stored,
                        const std::string& architecture, int64_t default_states) {
  refuse_hybrids(config);
  MambaConfig result{.architecture = architecture,
                     .vocab = padded_vocabulary(config),
                     .width = extent(config, "d_model"),
                     .layers = config.integer("n_layer", 1, kMaxLayers),
                     .inner = 0,
                     .states = integer_or(options, "d_state", default_states, 1, kMaxExtent),
                     .conv_width = integer_or(options, "d_conv", 4, 1, kMaxConvWidth),
                     .bias = boolean_or(options, "bias", false),
                     .conv_bias = boolean_or(options, "conv_bias", true),
                     .layer_norm = !boolean_or(config, "rms_norm", true),
                     .norm_epsilon = 1e-5,
                     .activation = activation_named("silu"),
                     .silu = true,
                     .embedding = mamba_embedding_name(stored, "embedding"),
                     .head = false,
                     .tied_head = false,
                     .initial = read_initial(options),
                     .notes = {}};
  result.inner = result.width * integer_or(options, "expand", 2, 1, 1024);
  read_mamba_head(stored, boolean_or(config, "tie_embeddings", true), true, result);
  return result;
}

}  // namespace

bool is_mamba_ssm(const Json& config) {
  return !config.contains("model_type") && config.contains("d_model") &&
         config.contains("n_layer") && config.contains("ssm_cfg");
}

bool is_mamba2_ssm(const JsonObject& config) {
  const JsonObject options = mixer_options(config);
  const std::string layer = string_or(options, "layer", "Mamba1");
  if (layer != "Mamba1" && layer != "Mamba2") {
    bad_input("{}: 'layer' should be 'Mamba1' or 'Mamba2', found '{}'", options.where(),
              excerpt(layer));
  }
  return layer == "Mamba2";
}

Mamba1Config read_mamba_ssm_config(const JsonObject& config, const Stored& stored) {
  static constexpr std::array<std::string_view, 14> kKnown{
      "layer",   "d_state",  "d_conv",        "expand",    "dt_rank", "dt_min",        "dt_max",
      "dt_init", "dt_scale", "dt_init_floor", "conv_bias", "bias",    "use_fast_path", "device"};
  const JsonObject options = mixer_options(config);
  check_known(options, config.at("ssm_cfg"), kKnown);
  Mamba1Config result{read_common(config, options, stored, "mamba", 16), 0, std::nullopt};
  const bool automatic = !options.has("dt_rank") || options.at("dt_rank") == "auto";
  result.rank = automatic ? (result.width + 15) / 16 : extent(options, "dt_rank");
  return result;
}

Mamba2Config read_mamba2_ssm_config(const JsonObject& config, const Stored& stored) {
  static constexpr std::array<std::string_view, 20> kKnown{
      "layer",     "d_state", "d_conv",     "expand",           "headdim",
      "ngroups",   "d_ssm",   "D_has_hdim", "rmsnorm",          "norm_before_gate",
      "dt_limit",  "dt_min",  "dt_max",     "dt_init_floor",    "A_init_range",
      "conv_bias", "bias",    "chunk_size", "use_mem_eff_path", "conv_init"};
  const JsonObject options = mixer_options(config);
  check_known(options, config.at("ssm_cfg"), kKnown);
  refuse(options, "rmsnorm", false);
  refuse(options, "D_has_hdim", true);
  refuse(options, "norm_before_gate", true);
  const int64_t head_width = integer_or(options, "headdim", 64, 1, kMaxExtent);
  Mamba2Config result{read_common(config, options, stored, "mamba2", 128), 0, head_width,
                      integer_or(options, "ngroups", 1, 1, kMaxExtent),    0, 0};
  if (integer_or(options, "d_ssm", result.inner, 1, kMaxExtent) != result.inner) {
    bad_input("{}: 'd_ssm' is {}, only the whole inner width, {}, is supported", options.where(),
              options.at("d_ssm").dump(), result.inner);
  }
  result.heads = result.inner / head_width;
  std::tie(result.step_min, result.step_max) = step_limits(options, "dt_limit");
  check_mamba2_heads(options.where(), result);
  return result;
}

}  // namespace ssmi::model
