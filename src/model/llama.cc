// Llama (Touvron et al. 2023) and Qwen2 (Yang et al. 2024).

#include <algorithm>
#include <array>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "transformer_config.h"

namespace ssmi::model {
namespace {

constexpr TransformerNames kNames{.words = "embed_tokens",
                                  .blocks = "layers",
                                  .query = "self_attn.q_proj",
                                  .key = "self_attn.k_proj",
                                  .value = "self_attn.v_proj",
                                  .attention_output = "self_attn.o_proj",
                                  .attention_norm = "input_layernorm",
                                  .mlp_gate = "mlp.gate_proj",
                                  .mlp_up = "mlp.up_proj",
                                  .mlp_down = "mlp.down_proj",
                                  .mlp_norm = "post_attention_layernorm",
                                  .final_norm = "norm"};

/// Which blocks of a Qwen2 look through a window: as 'layer_types' says, or else those from
/// 'max_window_layers' on.
std::vector<int64_t> windows(const JsonObject& config, int64_t layers) {
  if (!boolean_or(config, "use_sliding_window", false)) return {};
  const int64_t window = integer_or(config, "sliding_window", 4096, 1, kMaxExtent);
  std::vector<int64_t> result(static_cast<size_t>(layers), window);
  if (!is_given(config, "layer_types")) {
    const int64_t whole = integer_or(config, "max_window_layers", 28, 0, kMaxExtent);
    std::fill_n(result.begin(), std::min(whole, layers), 0);
    return result;
  }
  const Json& types = config.at("layer_types");
  if (!types.is_array() || types.size() != result.size()) {
    bad_input("{}: 'layer_types' should be a list of {} types", config.where(), layers);
  }
  for (size_t i = 0; i < result.size(); ++i) {
    if (types[i] == "full_attention") {
      result[i] = 0;
    } else if (types[i] != "sliding_attention") {
      bad_input("{}: 'layer_types' should hold full_attention and sliding_attention, found {}",
                config.where(), excerpt(types[i].dump()));
    }
  }
  return result;
}

TransformerConfig read_llama(const JsonObject& config, const std::string& architecture) {
  TransformerConfig result = read_decoder(config, architecture);
  result.names = kNames;
  result.rms = true;
  result.norm_epsilon = epsilon_or(config, "rms_norm_eps", 1e-6);
  result.activation = activation_named(config, "hidden_act", "silu");
  result.tied = boolean_or(config, "tie_word_embeddings", false);
  return result;
}

}  // namespace

std::unique_ptr<Model> make_llama(const JsonObject& config, const Stored& stored) {
  TransformerConfig result = read_llama(config, "llama");
  result.query_bias = result.output_bias = boolean_or(config, "attention_bias", false);
  result.mlp_bias = boolean_or(config, "mlp_bias", false);
  read_head(config, stored, kDecoderHeads, result);
  return make_transformer(std::move(result));
}

std::unique_ptr<Model> make_qwen2(const JsonObject& config, const Stored& stored) {
  TransformerConfig result = read_llama(config, "qwen2");
  result.output_bias = result.mlp_bias = false;
  result.windows = windows(config, result.layers);
  read_head(config, stored, kDecoderHeads, result);
  return make_transformer(std::move(result));
}

}  // namespace ssmi::model
