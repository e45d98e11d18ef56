#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ssmi::io {

/// How the values of a GGUF tensor are stored: in blocks of so many along its last dimension, each
/// of so many bytes.
struct BlockFormat {
  uint32_t id;
  std::string_view name;
  int64_t values;
  int64_t bytes;
  void (*decode)(const std::byte* block, float* values);  ///< one block
};

/// The format of that number; null where it is not one of those that are read.
const BlockFormat* find_block_format(uint32_t id);
/// The name of a format that is known and not read; empty for what is no format.
std::string_view unread_format_name(uint32_t id);
/// Every format that is read: "F32, F16, ...".
const std::string& block_format_names();

/// Decodes whole blocks, as many as `values` holds.
void decode_blocks(const BlockFormat& format, std::span<const std::byte> blocks,
                   std::span<float> values);

}  // namespace ssmi::io
