#include "gguf_dialect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::io {
namespace {

using Name = std::pair<std::string_view, std::string_view>;

constexpr std::array kDecoder{Name{"token_embd", "model.embed_tokens"},
                              Name{"output_norm", "model.norm"}, Name{"output", "lm_head"}};

constexpr std::array kLlamaBlock{
    Name{"attn_norm", "input_layernorm"},    Name{"attn_q", "self_attn.q_proj"},
    Name{"attn_k", "self_attn.k_proj"},      Name{"attn_v", "self_attn.v_proj"},
    Name{"attn_output", "self_attn.o_proj"}, Name{"ffn_norm", "post_attention_layernorm"},
    Name{"ffn_gate", "mlp.gate_proj"},       Name{"ffn_up", "mlp.up_proj"},
    Name{"ffn_down", "mlp.down_proj"}};

constexpr std::array kStarcoder2Block{Name{"attn_norm", "input_layernorm"},
                                      Name{"attn_q", "self_attn.q_proj"},
                                      Name{"attn_k", "self_attn.k_proj"},
                                      Name{"attn_v", "self_attn.v_proj"},
                                      Name{"attn_output", "self_attn.o_proj"},
                                      Name{"ffn_norm", "post_attention_layernorm"},
                                      Name{"ffn_up", "mlp.c_fc"},
                                      Name{"ffn_down", "mlp.c_proj"}};

constexpr std::array<GgufDialect, 3> kDialects{{{.architecture = "llama",
                                                 .class_name = "LlamaForCausalLM",
                                                 .blocks = "model.layers.",
                                                 .outside = kDecoder,
                                                 .inside = kLlamaBlock,
                                                 .epsilon = "attention.layer_norm_rms_epsilon",
                                                 .epsilon_key = "rms_norm_eps",
                                                 .interleaved_heads = true},
                                                {.architecture = "qwen2",
                                                 .class_name = "Qwen2ForCausalLM",
                                                 .blocks = "model.layers.",
                                                 .outside = kDecoder,
                                                 .inside = kLlamaBlock,
                                                 .epsilon = "attention.layer_norm_rms_epsilon",
                                                 .epsilon_key = "rms_norm_eps"},
                                                {.architecture = "starcoder2",
                                                 .class_name = "Starcoder2ForCausalLM",
                                                 .blocks = "model.layers.",
                                                 .outside = kDecoder,
                                                 .inside = kStarcoder2Block,
                                                 .epsilon = "attention.layer_norm_epsilon",
                                                 .epsilon_key = "norm_epsilon"}}};

/// Metadata of an architecture that are read, or change no result.
constexpr std::array<std::string_view, 20> kKnown{"attention.head_count",
                                                  "attention.head_count_kv",
                                                  "attention.key_length",
                                                  "attention.layer_norm_epsilon",
                                                  "attention.layer_norm_rms_epsilon",
                                                  "attention.value_length",
                                                  "block_count",
                                                  "context_length",
                                                  "embedding_length",
                                                  "expert_count",
                                                  "expert_used_count",
                                                  "feed_forward_length",
                                                  "rope.dimension_count",
                                                  "rope.freq_base",
                                                  "rope.scaling.factor",
                                                  "rope.scaling.finetuned",
                                                  "rope.scaling.original_context_length",
                                                  "rope.scaling.type",
                                                  "tensor_data_layout",
                                                  "vocab_size"};

std::string known_architectures() {
  std::string names;
  for (const GgufDialect& dialect : kDialects)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", dialect.architecture);
  return names;
}

/// A file that holds something else than one whole model.
void refuse_parts(const GgufMetadata& metadata) {
  const char* count = "split.count";
  if (metadata.has(count) && metadata.integer(count, 0, UINT16_MAX) > 1) {
    bad_input("{}: is one of {} parts of a model; join them with: llama-gguf-split --merge",
              metadata.where(), metadata.integer(count, 0, UINT16_MAX));
  }
  const char* type = "general.type";
  if (metadata.has(type) && metadata.string(type) != "model") {
    bad_input("{}: holds '{}', expected a model", metadata.where(), excerpt(metadata.string(type)));
  }
}

/// What is not known may say that it is another network.
void refuse_unknown(const GgufMetadata& metadata, const std::string& prefix) {
  for (const auto& [key, value] : metadata.values()) {
    if (!key.starts_with(prefix)) continue;
    if (std::ranges::find(kKnown, std::string_view(key).substr(prefix.size())) == kKnown.end()) {
      bad_input("{}: metadata '{}' is not known, so this may be another network", metadata.where(),
                excerpt(key));
    }
  }
  const std::string experts = prefix + "expert_count";
  if (metadata.has(experts) && metadata.integer(experts, 0, UINT16_MAX) > 0) {
    bad_input("{}: has {} experts, a mixture of experts is not supported", metadata.where(),
              metadata.integer(experts, 0, UINT16_MAX));
  }
}

std::string_view translated(GgufDialect::Names names, std::string_view name) {
  const auto found = std::ranges::find(names, name, &Name::first);
  return found == names.end() ? std::string_view() : found->second;
}

}  // namespace

const GgufDialect& dialect_of(const GgufFile& file) {
  const GgufMetadata& metadata = file.metadata;
  refuse_parts(metadata);
  const std::string name = metadata.string("general.architecture");
  const auto found =
      std::ranges::find(kDialects, std::string_view(name), &GgufDialect::architecture);
  if (found == kDialects.end()) {
    bad_input(
        "{}: is a GGUF file of architecture '{}', of which are read: {}; take the model's "
        "safetensors where there are any",
        metadata.where(), excerpt(name), known_architectures());
  }
  refuse_unknown(metadata, name + ".");
  if (file.tensors.contains("rope_freqs.weight")) {
    bad_input(
        "{}: has rotary frequencies of its own ('rope_freqs.weight'), which are not "
        "supported; take the model's safetensors",
        metadata.where());
  }
  return *found;
}

std::string name_in(const GgufDialect& dialect, const std::string& stored) {
  constexpr std::string_view kBlock = "blk.";
  const size_t dot = stored.rfind('.');
  if (dot == stored.npos) return stored;
  const std::string_view name(stored.data(), dot), kind(stored.data() + dot);
  if (!name.starts_with(kBlock)) {
    const auto other = translated(dialect.outside, name);
    return other.empty() ? stored : fmt::format("{}{}", other, kind);
  }
  const auto rest = name.substr(kBlock.size());
  const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  if (digits == 0 || digits == rest.size() || rest[digits] != '.') return stored;
  const auto other = translated(dialect.inside, rest.substr(digits + 1));
  if (other.empty()) return stored;
  return fmt::format("{}{}.{}{}", dialect.blocks, rest.substr(0, digits), other, kind);
}

}  // namespace ssmi::io
