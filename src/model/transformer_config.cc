#include "transformer_config.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::model {
namespace {

constexpr TransformerNames kEncoderNames{.words = "embeddings.word_embeddings",
                                         .positions = "embeddings.position_embeddings",
                                         .types = "embeddings.token_type_embeddings",
                                         .embedding_norm = "embeddings.LayerNorm",
                                         .blocks = "encoder.layer",
                                         .query = "attention.self.query",
                                         .key = "attention.self.key",
                                         .value = "attention.self.value",
                                         .attention_output = "attention.output.dense",
                                         .attention_norm = "attention.output.LayerNorm",
                                         .mlp_up = "intermediate.dense",
                                         .mlp_down = "output.dense",
                                         .mlp_norm = "output.LayerNorm"};

/// The tensor that shows a head is there, tied weights being absent.
std::string sign_of(const HeadOption& head) {
  return std::string(head.dense.empty() ? head.output : head.dense) + ".weight";
}

/// The head that a class name ends in; null for the bare model, and, with a note, for a head that
/// is not known.
const HeadOption* named_head(const JsonObject& config, std::span<const HeadOption> heads,
                             std::vector<std::string>& notes) {
  const std::string name = class_name(config);
  if (name.ends_with("Model") && !name.ends_with("LMHeadModel") &&
      !name.ends_with("DoubleHeadsModel")) {
    return nullptr;
  }
  const auto found = std::ranges::find_if(
      heads, [&](const HeadOption& head) { return name.ends_with(head.suffix); });
  if (found != heads.end()) return &*found;
  std::vector<std::string_view> endings;
  for (const HeadOption& head : heads)
    endings.push_back(head.suffix);
  notes.push_back(
      fmt::format("no head: that of a '{}' is not known; known are names that end in {}",
                  excerpt(name), fmt::join(endings, ", ")));
  return nullptr;
}

bool is_language_model(HeadKind kind) {
  return kind == HeadKind::kLanguageModel || kind == HeadKind::kMaskedLanguageModel;
}

/// A classifier's first layer may be the pooler of the bare model: its last one has to be there
/// too.
const HeadOption* stored_head(const Stored& stored, std::span<const HeadOption> heads) {
  const auto found = std::ranges::find_if(heads, [&](const HeadOption& head) {
    return stored.find(sign_of(head)) != nullptr &&
           (is_language_model(head.kind) ||
            stored.find(std::string(head.output) + ".weight") != nullptr);
  });
  return found == heads.end() ? nullptr : &*found;
}

}  // namespace

TransformerConfig read_extents(const JsonObject& config, const std::string& architecture,
                               const ExtentKeys& keys) {
  TransformerConfig result{.architecture = architecture,
                           .base_prefix = "",
                           .names = {},
                           .vocab = extent(config, "vocab_size"),
                           .width = extent(config, keys.width),
                           .layers = config.integer(keys.layers, 1, kMaxLayers),
                           .heads = extent(config, keys.heads),
                           .inner = 0};
  if (!is_given(config, "head_dim") && result.width % result.heads != 0) {
    bad_input("{}: '{}' is {}, expected a multiple of '{}', which is {}", config.where(),
              keys.width, result.width, keys.heads, result.heads);
  }
  result.key_value_heads = result.heads;
  result.head_width = result.width / result.heads;
  result.initializer_range = number_or(config, "initializer_range", 0.02);
  return result;
}

void read_shared_heads(const JsonObject& config, TransformerConfig& result) {
  result.head_width = integer_or(config, "head_dim", result.head_width, 1, kMaxExtent);
  result.key_value_heads = integer_or(config, "num_key_value_heads", result.heads, 1, result.heads);
  if (result.heads % result.key_value_heads != 0) {
    bad_input(
        "{}: 'num_attention_heads' is {}, expected a multiple of 'num_key_value_heads', "
        "which is {}",
        config.where(), result.heads, result.key_value_heads);
  }
  if (result.heads * result.head_width > kMaxExtent) {
    bad_input("{}: {} heads of width {} are more than {} channels", config.where(), result.heads,
              result.head_width, kMaxExtent);
  }
}

void read_head(const JsonObject& config, const Stored& stored, std::span<const HeadOption> heads,
               TransformerConfig& result) {
  result.known_heads = heads;
  const bool is_named = !class_name(config).empty();
  const HeadOption* head =
      is_named ? named_head(config, heads, result.notes) : stored_head(stored, heads);
  if (head == nullptr) return;
  const auto* sign = stored.find(sign_of(*head));
  const bool may_be_tied = head->kind == HeadKind::kLanguageModel && result.tied;
  if (stored.known() && sign == nullptr && !may_be_tied) {
    result.notes.push_back(fmt::format("no head: config.json names {}, but there is no '{}'",
                                       excerpt(class_name(config)), sign_of(*head)));
    return;
  }
  result.head = *head;
  result.head_activation =
      head->activation == nullptr ? result.activation : activation_named(head->activation);
  result.pad_token = integer_or(config, "pad_token_id", -1, -1, kMaxExtent);
  if (is_language_model(head->kind)) return;
  constexpr int64_t kDefaultLabels = 2;  // of the transformers library
  const auto* output = stored.find(std::string(head->output) + ".weight");
  const bool stored_labels = output != nullptr && output->shape.size() == 2;
  result.labels = label_count(config, stored_labels ? output->shape[0] : kDefaultLabels);
}

TransformerConfig read_encoder(const JsonObject& config, const std::string& architecture,
                               double norm_epsilon) {
  refuse(config, "is_decoder", true);
  refuse(config, "add_cross_attention", true);
  const std::string kind = string_or(config, "position_embedding_type", "absolute");
  if (kind != "absolute") {
    bad_input("{}: 'position_embedding_type' is '{}', only 'absolute' is supported", config.where(),
              excerpt(kind));
  }
  TransformerConfig result = read_extents(config, architecture);
  result.base_prefix = architecture + ".";
  result.names = kEncoderNames;
  result.inner = extent(config, "intermediate_size");
  result.types = integer_or(config, "type_vocab_size", 2, 1, kMaxExtent);
  result.norm_first = false;
  result.causal = false;
  result.norm_epsilon = epsilon_or(config, "layer_norm_eps", norm_epsilon);
  result.activation = activation_named(config, "hidden_act", "gelu");
  result.tied = boolean_or(config, "tie_word_embeddings", true);
  return result;
}

TransformerConfig read_decoder(const JsonObject& config, const std::string& architecture) {
  TransformerConfig result = read_extents(config, architecture);
  read_shared_heads(config, result);
  result.base_prefix = "model.";
  result.inner = extent(config, "intermediate_size");
  result.rotary = read_rotary(config, result.head_width);
  if (result.rotary->width != result.head_width) {
    bad_input(
        "{}: 'partial_rotary_factor' lets {} of a head's {} channels rotate; only all are "
        "supported",
        config.where(), result.rotary->width, result.head_width);
  }
  return result;
}

}  // namespace ssmi::model
