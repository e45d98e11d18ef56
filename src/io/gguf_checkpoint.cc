#include "gguf_checkpoint.h"

#include <fmt/format.h>

#include <map>

#include "blocks.h"
#include "gguf_dialect.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/io/gguf.h"

namespace ssmi::io {
namespace {

/// The heads whose rows a tensor holds in an order of its own; 0 for all other tensors.
int64_t interleaved_heads(const GgufDialect& dialect, const Json& config, std::string_view name) {
  if (!dialect.interleaved_heads) return 0;
  const auto heads = [&](const char* key) { return config.at(key).get<int64_t>(); };
  if (name.find(".self_attn.q_proj.") != name.npos) return heads("num_attention_heads");
  if (name.find(".self_attn.k_proj.") != name.npos) return heads("num_key_value_heads");
  return 0;
}

void check_rows(const GgufTensor& tensor, int64_t heads, const std::string& what) {
  const int64_t rows = tensor.shape.empty() ? 1 : tensor.shape.front();
  const auto bytes = static_cast<int64_t>(tensor.data.size());
  if (bytes == 0 || rows % (2 * heads) != 0 || bytes / rows % tensor.format->bytes != 0) {
    bad_input("{} has {} rows of {} bytes in all, expected whole pairs of {} heads", what, rows,
              bytes, heads);
  }
}

/// Floats that lie as their values are need no decoding.
TensorView view_of(const GgufTensor& tensor, int64_t heads,
                   const std::shared_ptr<const void>& file) {
  TensorView view{Dtype::kF32, tensor.shape, tensor.data, file};
  const auto dtype = dtype_from_name(tensor.format->name);
  if (heads > 0 || !dtype) {
    view.encoding = Encoding{tensor.format, heads};
  } else {
    view.dtype = *dtype;
  }
  return view;
}

/// "weights are stored as F32 (61 tensors), Q4_1 (210)"
std::string note_of_types(const GgufFile& file) {
  std::map<std::string_view, int64_t> counts;
  for (const auto& [name, tensor] : file.tensors)
    ++counts[tensor.format->name];
  std::string listed;
  for (const auto& [type, count] : counts)
    listed += fmt::format("{}{} {}", listed.empty() ? "" : ", ", count, type);
  return fmt::format("GGUF: tensors are stored as {}, and read as float32", listed);
}

}  // namespace

Checkpoint open_gguf_checkpoint(const std::filesystem::path& path) {
  const GgufFile file = open_gguf(MappedFile::open(path));
  const GgufDialect& dialect = dialect_of(file);
  Checkpoint result;
  result.folder = path.has_parent_path() ? path.parent_path() : ".";
  result.config_path = result.tokenizer_path = path;
  result.config = config_of(dialect, file);
  result.files.push_back(path.filename().string());
  result.notes.push_back(note_of_types(file));
  for (const auto& [stored, tensor] : file.tensors) {
    const std::string name = name_in(dialect, stored);
    const std::string what = fmt::format("{}: tensor '{}'", path.string(), excerpt(stored));
    const int64_t heads = interleaved_heads(dialect, result.config, name);
    if (heads > 0) check_rows(tensor, heads, what);
    if (!result.tensors.emplace(name, view_of(tensor, heads, file.file)).second) {
      bad_input("{} is '{}' a second time", what, excerpt(name));
    }
  }
  return result;
}

}  // namespace ssmi::io
