#include "io/gguf_checkpoint.h"

#include <string>
#include <vector>

#include "io/blocks.h"
#include "io/raw_gguf.h"
#include "ssmi/core/file.h"
#include "support.h"

namespace ssmi::io {
namespace {

using namespace test::gguf;
using test::check_fails;
using test::TemporaryFolder;

/// Metadata of a Llama of width 4 with one head, and `more`.
std::vector<std::string> llama(const std::vector<std::string>& more = {}) {
  std::vector<std::string> entries{entry("general.architecture", "llama"),
                                   entry("llama.block_count", 1U),
                                   entry("llama.context_length", 16U),
                                   entry("llama.embedding_length", 4U),
                                   entry("llama.feed_forward_length", 6U),
                                   entry("llama.attention.head_count", 1U),
                                   entry("llama.attention.layer_norm_rms_epsilon", 0.5F)};
  entries.insert(entries.end(), more.begin(), more.end());
  return entries;
}

Checkpoint open_bytes(const std::string& bytes) {
  const TemporaryFolder folder;
  write_file(folder / "m.gguf", bytes);
  return open_checkpoint(folder / "m.gguf");
}

std::string floats(int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i)
    bytes += raw(static_cast<float>(i));
  return padded(bytes);
}

/// An embedding of three tokens and the query of block 0, whose row r holds 4r .. 4r + 3.
std::string embedding_and_query(const std::vector<std::string>& metadata) {
  return file(
      metadata,
      {tensor("token_embd.weight", {4, 3}, 0, 0), tensor("blk.0.attn_q.weight", {4, 4}, 0, 64)},
      floats(12) + floats(16));
}

TEST_CASE("gguf checkpoint: the configuration in the transformers library's keys") {
  const Checkpoint checkpoint = open_bytes(embedding_and_query(
      llama({entry("llama.rope.freq_base", 500.0F), entry("llama.rope.scaling.type", "linear"),
             entry("llama.rope.scaling.factor", 2.0F)})));
  const Json expected{{"model_type", "llama"},
                      {"architectures", Json::array({"LlamaForCausalLM"})},
                      {"vocab_size", 3},
                      {"hidden_size", 4},
                      {"intermediate_size", 6},
                      {"num_hidden_layers", 1},
                      {"num_attention_heads", 1},
                      {"num_key_value_heads", 1},
                      {"head_dim", 4},
                      {"max_position_embeddings", 16},
                      {"rms_norm_eps", 0.5},
                      {"rope_theta", 500.0},
                      {"tie_word_embeddings", true},
                      {"attention_bias", false},
                      {"mlp_bias", false},
                      {"rope_scaling", {{"type", "linear"}, {"factor", 2.0}}}};
  CHECK(checkpoint.config == expected);
  CHECK(checkpoint.files == std::vector<std::string>{"m.gguf"});
  CHECK(checkpoint.config_path == checkpoint.folder / "m.gguf");
  CHECK(checkpoint.tokenizer_path == checkpoint.config_path);
  CHECK(checkpoint.notes ==
        std::vector<std::string>{"GGUF: tensors are stored as 2 F32, and read as float32"});
}

TEST_CASE("gguf checkpoint: a query's rows are put back in order, others lie as they are") {
  const TemporaryFolder folder;
  write_file(folder / "m.gguf", embedding_and_query(llama()));
  const Checkpoint checkpoint = open_checkpoint(folder / "m.gguf");
  const TensorView& query = checkpoint.tensors.at("model.layers.0.self_attn.q_proj.weight");
  REQUIRE(query.encoding);
  CHECK(query.encoding->interleaved_heads == 1);
  CHECK(query.dtype == Dtype::kF32);
  CHECK(stored_type(query) == "F32");
  std::vector<float> values(16);
  decode(query, values);
  CHECK(values == std::vector<float>{0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15});
  CHECK_FALSE(checkpoint.tensors.at("model.embed_tokens.weight").encoding);
}

TEST_CASE("gguf checkpoint: rows of two heads of four") {
  // Each row is its number among those of the right order.
  const std::vector<float> right{0, 1, 2, 3, 4, 5, 6, 7}, laid{0, 2, 1, 3, 4, 6, 5, 7};
  const TensorView view{Dtype::kF32,
                        {8, 1},
                        std::as_bytes(std::span(laid)),
                        nullptr,
                        Encoding{find_block_format(0), 2}};
  std::vector<float> values(8);
  decode(view, values);
  CHECK(values == right);
}

TEST_CASE("gguf checkpoint: floats of 16 bits keep their type, blocks are encoded") {
  const Checkpoint checkpoint = open_bytes(
      file(llama(),
           {tensor("token_embd.weight", {32, 1}, 8, 0), tensor("output_norm.weight", {4}, 1, 64)},
           padded(raw(uint16_t{0x3C00}) + std::string(32, '\3')) + padded(std::string(8, '\0'))));
  const TensorView& words = checkpoint.tensors.at("model.embed_tokens.weight");
  CHECK(stored_type(words) == "Q8_0");
  CHECK(words.dtype == Dtype::kF32);
  const TensorView& norm = checkpoint.tensors.at("model.norm.weight");
  CHECK(norm.dtype == Dtype::kF16);
  CHECK_FALSE(norm.encoding);
}

TEST_CASE("gguf checkpoint: names that are no block's are left as they are") {
  const std::vector<std::string> names{
      "blk.", "blk.0",  "blk.x.attn_q.weight", "blk.0.what.weight", "blk.0attn_q.weight",
      "rope", ".weight"};
  std::vector<std::string> entries{tensor("token_embd.weight", {1, 1}, 0, 0)};
  for (const std::string& name : names)
    entries.push_back(tensor(name, {1}, 0, 32 * entries.size()));
  const Checkpoint checkpoint =
      open_bytes(file(llama(), entries, std::string(32 * entries.size(), '\0')));
  CHECK(checkpoint.tensors.size() == entries.size());
  for (const std::string& name : names)
    CHECK(checkpoint.tensors.contains(name));
}

TEST_CASE("gguf checkpoint: what is missing, or may be another network, is refused") {
  const auto refuses = [](const char* message, const std::string& bytes) {
    check_fails(ExitCode::kBadInput, message, [&] { open_bytes(bytes); });
  };
  refuses("metadata 'general.architecture' is missing", file({}, {}, ""));
  refuses("of architecture 'mamba', of which are read: llama, qwen2, starcoder2; take",
          file({entry("general.architecture", "mamba")}, {}, ""));
  refuses("metadata 'llama.block_count' is missing",
          embedding_and_query(
              {entry("general.architecture", "llama"), entry("llama.embedding_length", 4U),
               entry("llama.attention.head_count", 1U), entry("llama.feed_forward_length", 6U)}));
  refuses("has no 'token_embd.weight' of two dimensions", file(llama(), {}, ""));
  refuses("'llama.attention.scale' is not known, so this may be another network",
          embedding_and_query(llama({entry("llama.attention.scale", 0.5F)})));
  refuses("metadata 'split.count' should be an integer",
          embedding_and_query(llama({entry("split.count", "2")})));
  refuses("is one of 3 parts", embedding_and_query(llama({entry("split.count", 3U)})));
  CHECK(open_bytes(
            embedding_and_query(llama({entry("split.count", 1U), entry("llama.expert_count", 0U)})))
            .tensors.size() == 2);
}

TEST_CASE("gguf checkpoint: a query of rows that are no whole heads is refused") {
  const auto query = [](const std::vector<uint64_t>& extents, int size) {
    return file(
        llama(),
        {tensor("token_embd.weight", {4, 3}, 0, 0), tensor("blk.0.attn_q.weight", extents, 0, 64)},
        floats(12) + floats(size));
  };
  const char* message = "tensor 'blk.0.attn_q.weight' has 3 rows of 60 bytes in all, expected";
  check_fails(ExitCode::kBadInput, message, [&] { open_bytes(query({5, 3}, 16)); });
  check_fails(ExitCode::kBadInput, "has 1 rows of 4 bytes", [&] { open_bytes(query({}, 1)); });
  check_fails(ExitCode::kBadInput, "rows of 0 bytes in all",
              [&] { open_bytes(query({0, uint64_t{1} << 40}, 0)); });
}

TEST_CASE("gguf checkpoint: which file a path is") {
  const TemporaryFolder folder;
  CHECK_FALSE(find_gguf(folder.path()));
  CHECK_FALSE(find_gguf(folder / "gone"));
  write_file(folder / "model.gguf", embedding_and_query(llama()));
  write_file(folder / "config.json", "{}");
  CHECK(find_gguf(folder.path()) == folder / "model.gguf");
  CHECK(open_checkpoint(folder.path()).config_path == folder / "model.gguf");
  CHECK_FALSE(find_gguf(folder / "config.json"));
  write_file(folder / "model.safetensors", "");
  CHECK_FALSE(find_gguf(folder.path()));
  CHECK(find_gguf(folder / "model.gguf") == folder / "model.gguf");
}

}  // namespace
}  // namespace ssmi::io
