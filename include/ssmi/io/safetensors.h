#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ssmi/core/file.h"
#include "ssmi/io/tensor.h"

namespace ssmi::io {

struct SafetensorsFile {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;
};

/// Maps a safetensors file and checks every rule of the format (docs/formats.md lists them with
/// their messages), so that each view holds exactly what its dtype and shape need. The data is not
/// touched. Throws Error{kBadInput} when a rule is broken, Error{kDisk} when it cannot be opened.
SafetensorsFile open_safetensors(const std::filesystem::path& path);
SafetensorsFile open_safetensors(const std::shared_ptr<const MappedFile>& file);

/// A tensor to write: row-major, little endian, data.size() = elements times their size.
struct TensorBytes {
  std::string name;
  Dtype dtype{};
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
};

/// Writes a safetensors file atomically: equal arguments give equal bytes. Tensors are laid out
/// with larger elements first, otherwise in the order given, so that all of them are aligned.
/// Throws Error{kBadInput} on text that is not UTF-8, Error{kDisk} when it cannot be written, and
/// Error{kBug} on a name given twice or data that does not fill its shape.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorBytes> tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace ssmi::io
