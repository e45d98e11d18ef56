#include <fmt/format.h>

#include "gguf_dialect.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::io {
namespace {

constexpr int64_t kMaxExtent = INT32_MAX;

/// The metadata of one architecture, by their names without it.
class Keys {
 public:
  Keys(const GgufMetadata& metadata, std::string_view architecture)
      : metadata_(metadata), prefix_(fmt::format("{}.", architecture)) {}

  bool has(std::string_view key) const { return metadata_.has(full(key)); }
  std::string string(std::string_view key) const { return metadata_.string(full(key)); }
  double number(std::string_view key) const { return metadata_.number(full(key)); }
  int64_t extent(std::string_view key) const { return metadata_.integer(full(key), 1, kMaxExtent); }
  int64_t extent_or(std::string_view key, int64_t otherwise) const {
    return has(key) ? extent(key) : otherwise;
  }

  /// Throws unless `key` has the only value that is supported.
  void require(std::string_view key, int64_t expected) const {
    if (extent_or(key, expected) == expected) return;
    bad_input("{}: metadata '{}' is {}, only {} is supported here", metadata_.where(), full(key),
              extent(key), expected);
  }

  Json rope_scaling() const;

 private:
  std::string full(std::string_view key) const { return fmt::format("{}{}", prefix_, key); }

  const GgufMetadata& metadata_;
  std::string prefix_;
};

Json Keys::rope_scaling() const {
  const std::string type = has("rope.scaling.type") ? string("rope.scaling.type") : "none";
  if (type == "none") return nullptr;
  if (type != "linear") {
    bad_input("{}: metadata '{}' is '{}', supported are none and linear", metadata_.where(),
              full("rope.scaling.type"), excerpt(type));
  }
  return {{"type", "linear"}, {"factor", number("rope.scaling.factor")}};
}

/// The width of a head, where the metadata give it.
int64_t head_width(const Keys& keys, int64_t width, int64_t heads, const std::string& where) {
  if (!keys.has("attention.key_length") && width % heads != 0) {
    bad_input("{}: an embedding_length of {} does not divide among {} heads", where, width, heads);
  }
  const int64_t result = keys.extent_or("attention.key_length", width / heads);
  keys.require("attention.value_length", result);
  keys.require("rope.dimension_count", result);
  return result;
}

int64_t vocabulary(const GgufFile& file) {
  const auto embedding = file.tensors.find("token_embd.weight");
  if (embedding == file.tensors.end() || embedding->second.shape.size() != 2) {
    bad_input("{}: has no 'token_embd.weight' of two dimensions", file.metadata.where());
  }
  return embedding->second.shape[0];
}

}  // namespace

Json config_of(const GgufDialect& dialect, const GgufFile& file) {
  const Keys keys(file.metadata, dialect.architecture);
  const auto has = [&](const char* tensor) { return file.tensors.contains(tensor); };
  const int64_t width = keys.extent("embedding_length");
  const int64_t heads = keys.extent("attention.head_count");
  Json config{{"model_type", dialect.architecture},
              {"architectures", {dialect.class_name}},
              {"vocab_size", vocabulary(file)},
              {"hidden_size", width},
              {"intermediate_size", keys.extent("feed_forward_length")},
              {"num_hidden_layers", keys.extent("block_count")},
              {"num_attention_heads", heads},
              {"num_key_value_heads", keys.extent_or("attention.head_count_kv", heads)},
              {"head_dim", head_width(keys, width, heads, file.metadata.where())},
              {"max_position_embeddings", keys.extent("context_length")},
              {dialect.epsilon_key, keys.number(dialect.epsilon)},
              {"rope_theta", keys.has("rope.freq_base") ? keys.number("rope.freq_base") : 10000},
              {"tie_word_embeddings", !has("output.weight")}};
  const bool biased = has("blk.0.attn_q.bias");
  if (dialect.architecture == "llama") {
    config["attention_bias"] = biased;
    config["mlp_bias"] = has("blk.0.ffn_up.bias");
  } else if (dialect.architecture == "starcoder2") {
    config["use_bias"] = biased;
  }
  if (Json scaling = keys.rope_scaling(); !scaling.is_null()) config["rope_scaling"] = scaling;
  return config;
}

}  // namespace ssmi::io
