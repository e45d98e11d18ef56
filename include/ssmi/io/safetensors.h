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

/// A tensor whose data are yet to come.
struct TensorSpec {
  std::string name;
  Dtype dtype{};
  std::vector<int64_t> shape;
};

/// Writes a safetensors file piece by piece, in any order, so that it never has to be in memory.
/// The file has the layout of write_safetensors() and appears when it is finished.
class SafetensorsWriter {
 public:
  /// Takes the disk space for all of it. Throws as write_safetensors().
  SafetensorsWriter(const std::filesystem::path& path, std::span<const TensorSpec> tensors,
                    const std::map<std::string, std::string>& metadata = {});

  /// Bytes of the whole file.
  uint64_t size() const { return size_; }
  /// Writes a tensor's bytes from `offset` bytes on. Throws Error{kBug} when they leave the tensor,
  /// Error{kDisk} when they cannot be written. What is never written is zero.
  void write(const std::string& name, uint64_t offset, std::span<const std::byte> data);
  /// Throws Error{kDisk}.
  void finish() { file_.commit(); }

 private:
  struct Extent {
    uint64_t begin, size;
  };
  AtomicFile file_;
  std::map<std::string, Extent> extents_;
  uint64_t size_ = 0;
};

}  // namespace ssmi::io
