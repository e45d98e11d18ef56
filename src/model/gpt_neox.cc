// GPT-NeoX (Black et al. 2022): Pythia.

#include <array>

#include "ssmi/core/error.h"
#include "transformer_config.h"

namespace ssmi::model {
namespace {

constexpr TransformerNames kNames{.words = "embed_in",
                                  .blocks = "layers",
                                  .query = {},
                                  .key = {},
                                  .value = {},
                                  .fused = "attention.query_key_value",
                                  .attention_output = "attention.dense",
                                  .attention_norm = "input_layernorm",
                                  .mlp_up = "mlp.dense_h_to_4h",
                                  .mlp_down = "mlp.dense_4h_to_h",
                                  .mlp_norm = "post_attention_layernorm",
                                  .final_norm = "final_layer_norm"};

constexpr std::array kHeads{
    HeadOption{.suffix = "ForCausalLM",
               .kind = HeadKind::kLanguageModel,
               .output = "embed_out",
               .output_bias = false},
    HeadOption{.suffix = "ForSequenceClassification",
               .kind = HeadKind::kLastToken,
               .output = "score",
               .output_bias = false},
    HeadOption{
        .suffix = "ForTokenClassification", .kind = HeadKind::kTokens, .output = "classifier"},
};

}  // namespace

std::unique_ptr<Model> make_gpt_neox(const JsonObject& config, const Stored& stored) {
  TransformerConfig result = read_extents(config, "gpt_neox");
  result.base_prefix = "gpt_neox.";
  result.names = kNames;
  result.inner = extent(config, "intermediate_size");
  if (integer_or(config, "head_dim", result.head_width, 1, kMaxExtent) != result.head_width) {
    bad_input(
        "{}: 'head_dim' differs from 'hidden_size' / 'num_attention_heads', which is not "
        "supported",
        config.where());
  }
  result.rotary = read_rotary(config, result.head_width, {"rotary_emb_base", "rotary_pct", 0.25});
  result.norm_epsilon = epsilon_or(config, "layer_norm_eps", 1e-5);
  result.activation = activation_named(config, "hidden_act", "gelu");
  result.parallel = boolean_or(config, "use_parallel_residual", true);
  result.layout = FusedLayout::kByHead;
  result.query_bias = result.output_bias = boolean_or(config, "attention_bias", true);
  result.tied = boolean_or(config, "tie_word_embeddings", false);
  read_head(config, stored, kHeads, result);
  return make_transformer(std::move(result));
}

}  // namespace ssmi::model
