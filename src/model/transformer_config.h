#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "architectures.h"
#include "config_keys.h"
#include "rotary.h"

namespace ssmi::model {

/// What a Transformer ends in.
enum class HeadKind {
  kNone,
  kLanguageModel,        ///< output, its weight perhaps the word embeddings'
  kMaskedLanguageModel,  ///< dense, activation, norm, output
  kTokens,               ///< output
  kFirstToken,           ///< of each row's first token: dense, tanh, output
  kLastToken,            ///< of each row's last token: output
};

/// A head that an architecture's classes may have.
struct HeadOption {
  std::string_view suffix;  ///< how the names of the classes that have it end
  HeadKind kind;
  std::string_view output;           ///< name of the layer that gives the logits
  bool output_bias = true;           ///< whether that layer has one
  std::string_view dense = {};       ///< name of the layer before it
  std::string_view norm = {};        ///< name of the norm between them
  std::string_view bias = {};        ///< another name of the output's bias
  const char* activation = nullptr;  ///< after `dense`, if not the blocks'
};

/// The heads of Llama and its kin.
inline constexpr std::array kDecoderHeads{
    HeadOption{.suffix = "ForCausalLM",
               .kind = HeadKind::kLanguageModel,
               .output = "lm_head",
               .output_bias = false},
    HeadOption{.suffix = "ForSequenceClassification",
               .kind = HeadKind::kLastToken,
               .output = "score",
               .output_bias = false},
    HeadOption{.suffix = "ForTokenClassification", .kind = HeadKind::kTokens, .output = "score"},
};

/// Names of a Transformer's layers: those of a block without the block's prefix, all without the
/// base prefix; empty where there is no such layer.
struct TransformerNames {
  std::string_view words, positions = {}, types = {}, embedding_norm = {};
  std::string_view blocks;  ///< "encoder.layer": a block is "encoder.layer.<i>."
  std::string_view query, key, value;
  std::string_view fused = {};  ///< query, key and value in one layer
  std::string_view attention_output, attention_norm;
  std::string_view mlp_gate = {}, mlp_up, mlp_down, mlp_norm;
  std::string_view final_norm = {};
};

/// How one layer gives query, key and value.
enum class FusedLayout {
  kBlocks,  ///< all queries, all keys, all values (GPT-2)
  kByHead,  ///< query, key and value of each head (GPT-NeoX)
};

/// One Transformer with a table of options. An architecture's file fills it from a config.
struct TransformerConfig {
  std::string architecture;  ///< the config's model_type
  std::string base_prefix;   ///< "bert."
  TransformerNames names;

  int64_t vocab, width, layers, heads, inner;
  int64_t key_value_heads = 0;  ///< G; `heads` unless they are shared
  int64_t head_width = 0;

  int64_t positions = 0;       ///< rows of the table of learned positions; 0: no such table
  int64_t first_position = 0;  ///< of a row's first token
  int64_t types = 0;           ///< rows of the table of token types, of which the first is used
  std::optional<Rotary> rotary = {};

  bool norm_first = true;  ///< a block normalises what it reads, not what it gives
  bool parallel = false;   ///< attention and MLP read the same residual stream
  bool rms = false;        ///< RMSNorm; otherwise LayerNorm
  double norm_epsilon = 1e-5;

  FusedLayout layout = FusedLayout::kBlocks;
  bool transposed = false;  ///< weights of a block's linear layers are stored [in, out]
  bool query_bias = true;   ///< of query, key and value
  bool output_bias = true;  ///< of the attention's output
  bool mlp_bias = true;
  Activation activation = nullptr;

  bool causal = true;
  std::vector<int64_t> windows = {};  ///< by block; empty: every token sees all
  bool scaled = true;                 ///< attention's products by 1 / sqrt(head_width)
  bool scaled_by_block = false;       ///< ... and by 1 / block

  double initializer_range = 0.02;
  int64_t padding = -1;            ///< row of the word embeddings that begins as zeros
  bool residual_rescaled = false;  ///< layers that end a branch begin smaller (GPT-2)

  HeadOption head{.suffix = "", .kind = HeadKind::kNone, .output = ""};
  std::span<const HeadOption> known_heads = {};
  Activation head_activation = nullptr;
  bool tied = false;       ///< the output's weight is the word embeddings
  int64_t labels = 0;      ///< of a classifier
  int64_t pad_token = -1;  ///< behind the token that a classifier of rows takes
  std::vector<std::string> notes = {};
};

/// Which keys name the extents that all architectures have.
struct ExtentKeys {
  const char* width = "hidden_size";
  const char* layers = "num_hidden_layers";
  const char* heads = "num_attention_heads";
};

/// Vocabulary, width, layers, heads and the MLP's width; heads that divide the width.
TransformerConfig read_extents(const JsonObject& config, const std::string& architecture,
                               const ExtentKeys& keys = {});

/// 'num_key_value_heads' and 'head_dim', checked.
void read_shared_heads(const JsonObject& config, TransformerConfig& result);

/// The head: the one that 'architectures' names, else the first whose tensors `stored` has.
void read_head(const JsonObject& config, const Stored& stored, std::span<const HeadOption> heads,
               TransformerConfig& result);

/// What BERT and its kin share. Throws Error{kBadInput} for decoders and relative positions.
TransformerConfig read_encoder(const JsonObject& config, const std::string& architecture,
                               double norm_epsilon);

/// What Llama and its kin share.
TransformerConfig read_decoder(const JsonObject& config, const std::string& architecture);

std::unique_ptr<Model> make_transformer(TransformerConfig config);

}  // namespace ssmi::model
