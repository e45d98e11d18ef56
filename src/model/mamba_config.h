#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "architectures.h"
#include "config_keys.h"

namespace ssmi::model {

inline constexpr int64_t kMaxConvWidth = 64;

/// How the parameters of a model of the family begin.
struct MambaInitial {
  double embedding_deviation;
  std::optional<double> linear_deviation;  ///< none: uniform as PyTorch's own linear layers
  bool random_conv_bias;                   ///< uniform as PyTorch's own, otherwise 0
  bool rescale_residual;                   ///< out_proj by 1 / sqrt(layers)
  double step_min, step_max, step_floor;   ///< step sizes at the bias, log-uniform
  double step_scale;                       ///< of dt_proj.weight
  bool constant_step_weight;
  bool counted_decay;  ///< Mamba-2's A is -1, -2 .. -H, otherwise uniform in decay_range
  double decay_min, decay_max;
};

/// What Mamba, Falcon-Mamba and Mamba-2 have in common.
struct MambaConfig {
  std::string architecture;
  int64_t vocab, width, layers;
  int64_t inner;   ///< E
  int64_t states;  ///< N
  int64_t conv_width;
  bool bias, conv_bias;  ///< of in_proj and out_proj, of the convolution
  bool layer_norm;       ///< in place of RMS norms
  double norm_epsilon;
  Activation activation;
  bool silu;              ///< whether that is SiLU
  std::string embedding;  ///< the name of its table
  bool head, tied_head;
  MambaInitial initial;
  std::vector<std::string> notes;
};

struct Mamba1Config : MambaConfig {
  int64_t rank;                            ///< R of the step sizes
  std::optional<double> selected_epsilon;  ///< Falcon-Mamba's norm of the step, B and C
};

struct Mamba2Config : MambaConfig {
  int64_t heads, head_width, groups;
  double step_min, step_max;  ///< what step sizes are clamped to
};

/// The dialect of the transformers library. All throw Error{kBadInput}.
Mamba1Config read_mamba_config(const JsonObject& config, const Stored& stored);
Mamba1Config read_falcon_mamba_config(const JsonObject& config, const Stored& stored);
Mamba2Config read_mamba2_config(const JsonObject& config, const Stored& stored);

/// The dialect of the original package mamba_ssm, whose configs have no model_type.
bool is_mamba2_ssm(const JsonObject& config);
Mamba1Config read_mamba_ssm_config(const JsonObject& config, const Stored& stored);
Mamba2Config read_mamba2_ssm_config(const JsonObject& config, const Stored& stored);

/// Checks that step sizes can be drawn.
void check_mamba_initial(const std::string& where, const MambaInitial& initial);
/// The name of the embedding's table: both dialects' checkpoints occur with either.
std::string mamba_embedding_name(const Stored& stored, const std::string& otherwise);
/// Fills what says whether there is a head: `tied` to the embedding; `named` unless the config
/// names the bare model.
void read_mamba_head(const Stored& stored, bool tied, bool named, MambaConfig& config);
/// Checks that the heads make up E and the groups divide them.
void check_mamba2_heads(const std::string& where, const Mamba2Config& config);
/// Two numbers, the second not below the first.
std::pair<double, double> step_limits(const JsonObject& config, const std::string& key);

}  // namespace ssmi::model
