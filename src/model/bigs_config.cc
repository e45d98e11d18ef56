#include "bigs_config.h"

#include <fmt/ranges.h>

#include <array>
#include <string_view>

#include "config_keys.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::model {
namespace {

/// How the class names in `architectures` end, and the tensor that shows the head is there.
struct HeadName {
  std::string_view suffix;
  BigsHead head;
  std::string_view weight;
};

// In the order in which a checkpoint without `architectures` is searched. A classifier is taken for
// the one of tokens: both have the same tensors.
constexpr std::array kHeads{
    HeadName{"ForSQA", BigsHead::kPredictor, "predictor.weight"},
    HeadName{"ForTokenClassification", BigsHead::kTokenClassification, "classifier.weight"},
    HeadName{"ForSequenceClassification", BigsHead::kSequenceClassification, "classifier.weight"},
    HeadName{"ForMaskedLM", BigsHead::kMaskedLm, "cls.predictions.transform.dense.weight"},
};

/// The head that the config names; null for the bare model.
const HeadName* named_head(const JsonObject& config) {
  const std::string name = class_name(config);
  if (name.ends_with("Model")) return nullptr;
  std::vector<std::string> endings{"Model"};
  for (const HeadName& head : kHeads) {
    if (name.ends_with(head.suffix)) return &head;
    endings.emplace_back(head.suffix);
  }
  bad_input(
      "{}: 'architectures' names '{}', whose head is not known; known are names that end in "
      "{}",
      config.where(), excerpt(name), fmt::join(endings, ", "));
}

const HeadName* stored_head(const Stored& stored) {
  for (const HeadName& head : kHeads) {
    if (stored.find(head.weight) != nullptr) return &head;
  }
  return nullptr;
}

int64_t labels_of(const JsonObject& config, const io::TensorView* weight) {
  constexpr int64_t kDefault = 2;  // of the transformers library
  const bool stored = weight != nullptr && weight->shape.size() == 2;
  return label_count(config, stored ? weight->shape[0] : kDefault);
}

void read_head(const JsonObject& config, const Stored& stored, BigsConfig& result) {
  const bool named = !class_name(config).empty();
  const HeadName* head = named ? named_head(config) : stored_head(stored);
  if (head == nullptr) return;
  const auto* weight = stored.find(head->weight);
  if (stored.known() && weight == nullptr) {
    result.notes.push_back(fmt::format("no head: config.json names {}, but there is no '{}'",
                                       excerpt(class_name(config)), head->weight));
    return;
  }
  result.head = head->head;
  if (head->head != BigsHead::kMaskedLm) result.labels = labels_of(config, weight);
  if (!named && head->head == BigsHead::kTokenClassification) {
    result.notes.emplace_back(
        "the classifier is taken for one of tokens; 'architectures' in config.json says if it is "
        "one "
        "of sequences");
  }
}

void check_multiple(const JsonObject& config, int64_t width, int64_t divisor, const char* what) {
  if (width % divisor == 0) return;
  bad_input("{}: 'hidden_size' is {}, expected a multiple of {}, {}", config.where(), width,
            divisor, what);
}

}  // namespace

BigsConfig read_bigs_config(const JsonObject& config, const Stored& stored, bool with_positions) {
  refuse(config, "pre_norm", false);
  refuse(config, "decode", true);
  const bool absolute = string_or(config, "position_embedding_type", "absolute") == "absolute";
  BigsConfig result{
      .architecture = with_positions ? "bigs" : "codessm",
      .vocab = extent(config, "vocab_size"),
      .width = extent(config, "hidden_size"),
      .inner = extent(config, "intermediate_size"),
      .layers = config.integer("num_hidden_layers", 1, kMaxLayers),
      .states = integer_or(config, "num_ssm", 64, 1, kMaxExtent),
      .types = integer_or(config, "type_vocab_size", 2, 1, kMaxExtent),
      .positions = with_positions && absolute ? extent(config, "max_position_embeddings") : 0,
      .kernels = integer_or(config, "num_kernels", 1, 1, kMaxExtent),
      .norm_epsilon = epsilon_or(config, "layer_norm_eps", 1e-12),
      .initializer_range = number_or(config, "initializer_range", 0.02),
      .high_frequency = boolean_or(config, "high_frequency", false),
      .tied = boolean_or(config, "tie_word_embeddings", true),
      .activation = activation_named(config, "hidden_act", "gelu"),
      .notes = {}};
  check_multiple(config, result.width, result.kernels, "the 'num_kernels'");
  if (result.high_frequency) {
    check_multiple(config, result.width, kBigsConvolutionGroups, "the groups of 'high_frequency'");
  }
  read_head(config, stored, result);
  return result;
}

}  // namespace ssmi::model
