#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/file.h"
#include "ssmi/io/gguf.h"
#include "ssmi/text/tokenizer.h"
#include "ssmi/text/vocabulary.h"
#include "token_map.h"

namespace ssmi::text {
namespace {

/// How a family of byte-level BPEs cuts a text before BPE, under the name that GGUF files give it.
struct Family {
  std::string_view name;
  std::vector<std::string> patterns;
  bool digits_alone = false;
  bool nfc = false;
  bool ignore_merges = false;
  bool bos = false;  ///< a marker before a text, where the metadata do not say
};

const std::vector<Family>& families() {
  // As the tokenizer.json of each family's models has them.
  static const std::string kWords =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})";
  static const std::string kRest = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  static const std::vector<Family> kFamilies{
      {.name = "deepseek-coder",
       .patterns = {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)",
                    "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+", R"(\p{N})"}},
      {.name = "gpt-2", .patterns = {"gpt2"}},
      {.name = "llama-bpe",
       .patterns = {kWords + "{1,3}" + kRest},
       .ignore_merges = true,
       .bos = true},
      {.name = "qwen2", .patterns = {kWords + kRest}, .nfc = true},
      {.name = "smollm", .patterns = {"gpt2"}, .digits_alone = true},
      {.name = "starcoder", .patterns = {"gpt2"}, .digits_alone = true}};
  return kFamilies;
}

const Family& family_of(const io::GgufMetadata& metadata) {
  const std::string model = metadata.string("tokenizer.ggml.model");
  if (model != "gpt2") {
    bad_input("{}: its tokenizer is '{}', of which only 'gpt2' (byte-level BPE) is read",
              metadata.where(), excerpt(model));
  }
  const std::string name = metadata.string("tokenizer.ggml.pre");
  const auto found = std::ranges::find(families(), std::string_view(name), &Family::name);
  if (found != families().end()) return *found;
  std::vector<std::string_view> names;
  for (const Family& family : families())
    names.push_back(family.name);
  bad_input(
      "{}: its tokenizer cuts texts as '{}' does ('tokenizer.ggml.pre'), of which are known: "
      "{}",
      metadata.where(), excerpt(name), fmt::join(names, ", "));
}

/// Unknown, control and user-defined tokens are recognised in a text as they stand.
std::vector<int64_t> special_ids(const io::GgufMetadata& metadata, size_t tokens) {
  const char* key = "tokenizer.ggml.token_type";
  std::vector<int64_t> special;
  if (!metadata.has(key)) return special;
  const auto types = metadata.integers(key, 1, 6);
  if (types.size() != tokens) {
    bad_input("{}: metadata '{}' has {} elements, expected one for each of {} tokens",
              metadata.where(), key, types.size(), tokens);
  }
  for (size_t id = 0; id < types.size(); ++id)
    if (types[id] >= 2 && types[id] <= 4) special.push_back(static_cast<int64_t>(id));
  return special;
}

bool flag(const io::GgufMetadata& metadata, const char* key, bool otherwise) {
  return metadata.has(key) ? metadata.boolean(key) : otherwise;
}

/// The id of a marker that is put around a text, if it is.
std::optional<int64_t> marker(const io::GgufMetadata& metadata, const char* name, bool otherwise) {
  const auto key = [&](const char* format) { return fmt::format(fmt::runtime(format), name); };
  if (!flag(metadata, key("tokenizer.ggml.add_{}_token").c_str(), otherwise)) return std::nullopt;
  return metadata.integer(key("tokenizer.ggml.{}_token_id"), 0, kMaxId);
}

}  // namespace

std::unique_ptr<Tokenizer> load_gguf_tokenizer(const std::filesystem::path& path) {
  const io::GgufFile file = io::open_gguf(MappedFile::open(path));
  const io::GgufMetadata& metadata = file.metadata;
  const Family& family = family_of(metadata);
  for (const char* key : {"tokenizer.ggml.add_space_prefix", "tokenizer.ggml.add_sep_token"}) {
    if (flag(metadata, key, false)) {
      bad_input("{}: metadata '{}' is true, only false is supported", metadata.where(), key);
    }
  }
  ByteLevelBpe bpe;
  bpe.tokens = metadata.strings("tokenizer.ggml.tokens");
  bpe.merges = metadata.strings("tokenizer.ggml.merges");
  bpe.special = special_ids(metadata, bpe.tokens.size());
  bpe.patterns = family.patterns;
  bpe.nfc = family.nfc;
  bpe.digits_alone = family.digits_alone;
  bpe.ignore_merges = family.ignore_merges;
  bpe.bos = marker(metadata, "bos", family.bos);
  bpe.eos = marker(metadata, "eos", false);
  return make_tokenizer(bpe, metadata.where());
}

}  // namespace ssmi::text
