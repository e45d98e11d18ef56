#include "bigs_head.h"

#include <ATen/ops/layer_norm.h>
#include <ATen/ops/tanh.h>

namespace ssmi::model {
namespace {

constexpr const char* kWordEmbeddings = "bigs.embeddings.word_embeddings.weight";

}  // namespace

void BigsHeadLayers::visit(const BigsConfig& config, const ParameterVisitor& visitor) {
  const auto linear = [&](const char* name, int64_t out, Affine& to) {
    visit_linear(visitor, name, out, config.width, normal(config.initializer_range), to);
  };
  switch (config.head) {
    case BigsHead::kNone:
      return;
    case BigsHead::kMaskedLm:
      return visit_masked_lm(config, visitor);
    case BigsHead::kSequenceClassification:
      linear("bigs.pooler.dense", config.width, dense_);
      return linear("classifier", config.labels, classifier_);
    case BigsHead::kTokenClassification:
      return linear("classifier", config.labels, classifier_);
    case BigsHead::kPredictor:
      return linear("predictor", config.labels, classifier_);
  }
}

void BigsHeadLayers::visit_masked_lm(const BigsConfig& config, const ParameterVisitor& visitor) {
  const std::string prefix = "cls.predictions.";
  const auto& [vocab, width] = std::pair(config.vocab, config.width);
  visitor({prefix + "bias", {vocab}, constant(0)}, bias_);
  visit_linear(visitor, prefix + "transform.dense", width, width, normal(config.initializer_range),
               dense_);
  visit_norm(visitor, prefix + "transform.LayerNorm", width, norm_);
  visitor({.name = prefix + "decoder.weight",
           .shape = {vocab, width},
           .initial = normal(config.initializer_range),
           .tied_to = config.tied ? kWordEmbeddings : nullptr},
          classifier_.weight);
  visitor({.name = prefix + "decoder.bias",
           .shape = {vocab},
           .initial = constant(0),
           .tied_to = "cls.predictions.bias"},
          classifier_.bias);
}

at::Tensor BigsHeadLayers::logits(const BigsConfig& config, const at::Tensor& hidden,
                                  const Batch& batch) const {
  if (config.head == BigsHead::kMaskedLm) {
    return classifier_(at::layer_norm(config.activation(dense_(hidden)), {config.width},
                                      norm_.weight, norm_.bias, config.norm_epsilon));
  }
  if (config.head == BigsHead::kSequenceClassification) {
    return classifier_(at::tanh(dense_(row_means(hidden, batch.offsets))));
  }
  return classifier_(hidden);
}

bool is_of_other_head(const std::string& name, BigsHead head) {
  const bool classifies =
      head == BigsHead::kTokenClassification || head == BigsHead::kSequenceClassification;
  return (name.starts_with("cls.predictions.") && head != BigsHead::kMaskedLm) ||
         (name.starts_with("classifier.") && !classifies) ||
         (name.starts_with("predictor.") && head != BigsHead::kPredictor) ||
         (name.starts_with("bigs.pooler.dense.") && head != BigsHead::kSequenceClassification);
}

}  // namespace ssmi::model
