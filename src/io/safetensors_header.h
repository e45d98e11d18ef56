#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "ssmi/io/safetensors.h"

namespace ssmi::io {

inline constexpr std::string_view kMetadataKey = "__metadata__";

/// Reads the JSON header of a safetensors file, event by event: no tree is built, and a tensor is
/// checked against `data`, the bytes after the header, as soon as its entry ends. Whether tensors
/// overlap or leave holes is not checked here. Throws Error{kBadInput}.
SafetensorsFile read_header(const std::shared_ptr<const MappedFile>& file, std::string_view header,
                            std::span<const std::byte> data);

}  // namespace ssmi::io
