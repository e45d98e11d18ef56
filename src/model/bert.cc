// BERT (Devlin et al. 2019) and RoCoder, the same network with rotary positions.

#include <array>

#include "ssmi/core/error.h"
#include "transformer_config.h"

namespace ssmi::model {
namespace {

constexpr HeadOption kMaskedLm{.suffix = "ForMaskedLM",
                               .kind = HeadKind::kMaskedLanguageModel,
                               .output = "cls.predictions.decoder",
                               .dense = "cls.predictions.transform.dense",
                               .norm = "cls.predictions.transform.LayerNorm",
                               .bias = "cls.predictions.bias"};
constexpr HeadOption kTokens{
    .suffix = "ForTokenClassification", .kind = HeadKind::kTokens, .output = "classifier"};
constexpr HeadOption kSequence{.suffix = "ForSequenceClassification",
                               .kind = HeadKind::kFirstToken,
                               .output = "classifier",
                               .dense = "bert.pooler.dense"};

constexpr HeadOption pretraining() {
  HeadOption head = kMaskedLm;
  head.suffix = "ForPreTraining";
  return head;
}

constexpr std::array kBertHeads{kMaskedLm, pretraining(), kTokens, kSequence};
constexpr std::array kRocoderHeads{kMaskedLm, kTokens};

}  // namespace

std::unique_ptr<Model> make_bert(const JsonObject& config, const Stored& stored) {
  TransformerConfig result = read_encoder(config, "bert", 1e-12);
  result.positions = extent(config, "max_position_embeddings");
  result.padding = integer_or(config, "pad_token_id", 0, -1, kMaxExtent);
  read_head(config, stored, kBertHeads, result);
  return make_transformer(std::move(result));
}

std::unique_ptr<Model> make_rocoder(const JsonObject& config, const Stored& stored) {
  refuse(config, "rotary_value", true);
  TransformerConfig result = read_encoder(config, "rocoder", 1e-12);
  if (integer_or(config, "embedding_size", result.width, 1, kMaxExtent) != result.width) {
    bad_input("{}: 'embedding_size' differs from 'hidden_size', which is not supported",
              config.where());
  }
  result.names.positions = {};
  result.rotary = read_rotary(config, result.head_width);
  result.rotary->interleaved = boolean_or(config, "interleaved", false);
  result.padding = integer_or(config, "pad_token_id", 0, -1, kMaxExtent);
  read_head(config, stored, kRocoderHeads, result);
  return make_transformer(std::move(result));
}

}  // namespace ssmi::model
