#include "bigs_config.h"

#include <ATen/ops/gelu.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>
#include <fmt/ranges.h>

#include <map>
#include <string_view>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::model {
namespace {

constexpr int64_t kMaxExtent = 1 << 24;
constexpr int64_t kMaxLayers = 1024;

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

at::Tensor exact_gelu(const at::Tensor& x) {
  return at::gelu(x);
}

at::Tensor tanh_gelu(const at::Tensor& x) {
  return at::gelu(x, "tanh");
}

Activation activation_named(const JsonObject& config) {
  static const std::map<std::string, Activation> kKnown{
      {"gelu", exact_gelu}, {"gelu_new", tanh_gelu}, {"gelu_pytorch_tanh", tanh_gelu},
      {"relu", at::relu},   {"silu", at::silu},      {"swish", at::silu},
      {"tanh", at::tanh},
  };
  const std::string name = config.has("hidden_act") ? config.string("hidden_act") : "gelu";
  const auto found = kKnown.find(name);
  if (found != kKnown.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, function] : kKnown)
    names.push_back(known);
  bad_input("{}: 'hidden_act' is '{}', which is not known; known are: {}", config.where(),
            excerpt(name), fmt::join(names, ", "));
}

bool boolean_or(const JsonObject& config, const std::string& key, bool otherwise) {
  return config.has(key) ? config.boolean(key) : otherwise;
}

/// Options of the published code that make it another network.
void refuse(const JsonObject& config, const std::string& key, bool refused) {
  if (boolean_or(config, key, !refused) != refused) return;
  bad_input("{}: '{}' is {}, only {} is supported", config.where(), key, refused, !refused);
}

std::string class_name(const JsonObject& config) {
  const Json& names = config.at("architectures");
  if (!names.is_array() || names.size() != 1 || !names[0].is_string()) {
    bad_input("{}: 'architectures' should be a list of one class name, found {}", config.where(),
              excerpt(names.dump()));
  }
  return names[0].get<std::string>();
}

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

int64_t label_count(const JsonObject& config, const io::TensorView* weight) {
  if (config.has("num_labels")) return config.integer("num_labels", 1, kMaxExtent);
  if (config.has("id2label")) {
    const Json& labels = config.at("id2label");
    if (labels.is_object() && !labels.empty()) return static_cast<int64_t>(labels.size());
    bad_input("{}: 'id2label' should be an object with a label or more, found {}", config.where(),
              excerpt(labels.dump()));
  }
  constexpr int64_t kDefault = 2;  // of the transformers library
  return weight != nullptr && weight->shape.size() == 2 ? weight->shape[0] : kDefault;
}

void read_head(const JsonObject& config, const Stored& stored, BigsConfig& result) {
  const bool named = config.has("architectures") && !config.at("architectures").is_null();
  const HeadName* head = named ? named_head(config) : stored_head(stored);
  if (head == nullptr) return;
  const auto* weight = stored.find(head->weight);
  if (stored.known() && weight == nullptr) {
    result.notes.push_back(fmt::format("no head: config.json names {}, but there is no '{}'",
                                       excerpt(class_name(config)), head->weight));
    return;
  }
  result.head = head->head;
  if (head->head != BigsHead::kMaskedLm) result.labels = label_count(config, weight);
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
  const auto extent = [&](const char* key) { return config.integer(key, 1, kMaxExtent); };
  const auto extent_or = [&](const char* key, int64_t otherwise) {
    return config.has(key) ? extent(key) : otherwise;
  };
  const auto number_or = [&](const char* key, double otherwise) {
    return config.has(key) ? config.number(key) : otherwise;
  };
  refuse(config, "pre_norm", false);
  refuse(config, "decode", true);
  const bool absolute = !config.has("position_embedding_type") ||
                        config.string("position_embedding_type") == "absolute";
  BigsConfig result{.architecture = with_positions ? "bigs" : "codessm",
                    .vocab = extent("vocab_size"),
                    .width = extent("hidden_size"),
                    .inner = extent("intermediate_size"),
                    .layers = config.integer("num_hidden_layers", 1, kMaxLayers),
                    .states = extent_or("num_ssm", 64),
                    .types = extent_or("type_vocab_size", 2),
                    .positions = with_positions && absolute ? extent("max_position_embeddings") : 0,
                    .kernels = extent_or("num_kernels", 1),
                    .norm_epsilon = number_or("layer_norm_eps", 1e-12),
                    .initializer_range = number_or("initializer_range", 0.02),
                    .high_frequency = boolean_or(config, "high_frequency", false),
                    .tied = boolean_or(config, "tie_word_embeddings", true),
                    .activation = activation_named(config),
                    .notes = {}};
  check_multiple(config, result.width, result.kernels, "the 'num_kernels'");
  if (result.high_frequency) {
    check_multiple(config, result.width, kBigsConvolutionGroups, "the groups of 'high_frequency'");
  }
  read_head(config, stored, result);
  return result;
}

}  // namespace ssmi::model
