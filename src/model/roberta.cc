// RoBERTa (Liu et al. 2019): CodeBERT, GraphCodeBERT, UniXcoder. BERT's network; positions are
// counted from the one after the padding token's id.

#include <array>

#include "ssmi/core/error.h"
#include "transformer_config.h"

namespace ssmi::model {
namespace {

constexpr std::array kHeads{
    HeadOption{.suffix = "ForMaskedLM",
               .kind = HeadKind::kMaskedLanguageModel,
               .output = "lm_head.decoder",
               .dense = "lm_head.dense",
               .norm = "lm_head.layer_norm",
               .bias = "lm_head.bias",
               .activation = "gelu"},
    HeadOption{.suffix = "ForSequenceClassification",
               .kind = HeadKind::kFirstToken,
               .output = "classifier.out_proj",
               .dense = "classifier.dense"},
    HeadOption{
        .suffix = "ForTokenClassification", .kind = HeadKind::kTokens, .output = "classifier"},
};

}  // namespace

std::unique_ptr<Model> make_roberta(const JsonObject& config, const Stored& stored) {
  TransformerConfig result = read_encoder(config, "roberta", 1e-12);
  result.positions = extent(config, "max_position_embeddings");
  result.padding = integer_or(config, "pad_token_id", 1, 0, kMaxExtent);
  result.first_position = result.padding + 1;
  if (result.positions <= result.first_position) {
    bad_input("{}: 'max_position_embeddings' is {}, but positions begin at {}", config.where(),
              result.positions, result.first_position);
  }
  read_head(config, stored, kHeads, result);
  return make_transformer(std::move(result));
}

}  // namespace ssmi::model
