#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "ssmi/core/json.h"
#include "ssmi/io/gguf.h"

namespace ssmi::io {

/// How GGUF files write an architecture, and how the transformers library does.
struct GgufDialect {
  using Names = std::span<const std::pair<std::string_view, std::string_view>>;

  std::string_view architecture;  ///< of both
  std::string_view class_name;
  std::string_view blocks;         ///< before a block's number: "model.layers."
  Names outside, inside;           ///< tensors' names in GGUF and there, of a block without it
  std::string_view epsilon;        ///< metadata's name of the norms' epsilon
  std::string_view epsilon_key;    ///< config's
  bool interleaved_heads = false;  ///< rows of query and key are stored for neighbouring pairs
};

/// The dialect that a file is written in. Throws Error{kBadInput} for one that is not known, a file
/// that is no whole model, and metadata that may say it is another network.
const GgufDialect& dialect_of(const GgufFile& file);

/// The name that a stored tensor has in the transformers library; as it stands where it has none.
std::string name_in(const GgufDialect& dialect, const std::string& stored);

/// The configuration as the transformers library writes it.
Json config_of(const GgufDialect& dialect, const GgufFile& file);

}  // namespace ssmi::io
