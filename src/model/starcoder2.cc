// StarCoder2 (Lozhkov et al. 2024).

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
                                  .mlp_up = "mlp.c_fc",
                                  .mlp_down = "mlp.c_proj",
                                  .mlp_norm = "post_attention_layernorm",
                                  .final_norm = "norm"};

}  // namespace

std::unique_ptr<Model> make_starcoder2(const JsonObject& config, const Stored& stored) {
  TransformerConfig result = read_decoder(config, "starcoder2");
  result.names = kNames;
  result.norm_epsilon = epsilon_or(config, "norm_epsilon", 1e-5);
  result.activation = activation_named(config, "hidden_act", "gelu_pytorch_tanh");
  result.query_bias = result.output_bias = result.mlp_bias = boolean_or(config, "use_bias", true);
  result.initializer_range = number_or(config, "initializer_range", 0.018042);
  result.tied = boolean_or(config, "tie_word_embeddings", true);
  if (is_given(config, "sliding_window")) {
    result.windows.assign(static_cast<size_t>(result.layers),
                          config.integer("sliding_window", 1, kMaxExtent));
  }
  read_head(config, stored, kDecoderHeads, result);
  return make_transformer(std::move(result));
}

}  // namespace ssmi::model
