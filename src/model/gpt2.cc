// GPT-2 (Radford et al. 2019).

#include <array>

#include "transformer_config.h"

namespace ssmi::model {
namespace {

constexpr TransformerNames kNames{.words = "wte",
                                  .positions = "wpe",
                                  .blocks = "h",
                                  .query = {},
                                  .key = {},
                                  .value = {},
                                  .fused = "attn.c_attn",
                                  .attention_output = "attn.c_proj",
                                  .attention_norm = "ln_1",
                                  .mlp_up = "mlp.c_fc",
                                  .mlp_down = "mlp.c_proj",
                                  .mlp_norm = "ln_2",
                                  .final_norm = "ln_f"};

constexpr std::array kHeads{
    HeadOption{.suffix = "LMHeadModel",
               .kind = HeadKind::kLanguageModel,
               .output = "lm_head",
               .output_bias = false},
    HeadOption{.suffix = "ForSequenceClassification",
               .kind = HeadKind::kLastToken,
               .output = "score",
               .output_bias = false},
    HeadOption{
        .suffix = "ForTokenClassification", .kind = HeadKind::kTokens, .output = "classifier"},
};

}  // namespace

std::unique_ptr<Model> make_gpt2(const JsonObject& config, const Stored& stored) {
  refuse(config, "add_cross_attention", true);
  // Its own names, or those that the transformers library takes for them.
  const auto key = [&](const char* own, const char* other) {
    return is_given(config, own) || !is_given(config, other) ? own : other;
  };
  TransformerConfig result = read_extents(config, "gpt2",
                                          {.width = key("n_embd", "hidden_size"),
                                           .layers = key("n_layer", "num_hidden_layers"),
                                           .heads = key("n_head", "num_attention_heads")});
  result.base_prefix = "transformer.";
  result.names = kNames;
  result.inner = integer_or(config, "n_inner", 4 * result.width, 1, kMaxExtent);
  result.positions = extent(config, key("n_positions", "max_position_embeddings"));
  result.norm_epsilon = epsilon_or(config, "layer_norm_epsilon", 1e-5);
  result.activation = activation_named(config, "activation_function", "gelu_new");
  result.layout = FusedLayout::kBlocks;
  result.transposed = true;
  result.scaled = boolean_or(config, "scale_attn_weights", true);
  result.scaled_by_block = boolean_or(config, "scale_attn_by_inverse_layer_idx", false);
  result.residual_rescaled = true;
  result.tied = boolean_or(config, "tie_word_embeddings", true);
  read_head(config, stored, kHeads, result);
  return make_transformer(std::move(result));
}

}  // namespace ssmi::model
