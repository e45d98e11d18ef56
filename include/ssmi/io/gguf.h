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

namespace ssmi::io {

struct BlockFormat;

/// Types of metadata, under the numbers of the format.
enum class GgufType : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};

/// A value of the metadata where it lies in the mapped file, or the elements of an array one after
/// the other. A string is eight bytes of length and its text.
struct GgufValue {
  GgufType type{};  ///< of each element
  bool is_array = false;
  uint64_t count = 1;
  std::span<const std::byte> bytes;
};

/// The metadata of a GGUF file, whose getters say what was expected and found. All throw
/// Error{kBadInput}.
class GgufMetadata {
 public:
  explicit GgufMetadata(std::string where) : where_(std::move(where)) {}

  /// False where the key is there already.
  bool add(const std::string& key, const GgufValue& value);

  bool has(const std::string& key) const { return values_.contains(key); }
  std::string string(const std::string& key) const;
  bool boolean(const std::string& key) const;
  double number(const std::string& key) const;
  /// An integer within [min, max].
  int64_t integer(const std::string& key, int64_t min, int64_t max) const;
  std::vector<std::string> strings(const std::string& key) const;
  std::vector<int64_t> integers(const std::string& key, int64_t min, int64_t max) const;

  /// The file's name.
  const std::string& where() const { return where_; }
  const std::map<std::string, GgufValue>& values() const { return values_; }

 private:
  const GgufValue& at(const std::string& key) const;
  const GgufValue& scalar(const std::string& key, const char* expected) const;
  const GgufValue& array(const std::string& key, const char* expected) const;

  std::string where_;
  std::map<std::string, GgufValue> values_;
};

/// A tensor as it lies in the mapped file.
struct GgufTensor {
  const BlockFormat* format = nullptr;
  std::vector<int64_t> shape;  ///< row-major, as everywhere here: the reverse of the file's
  std::span<const std::byte> data;
};

struct GgufFile {
  std::shared_ptr<const MappedFile> file;
  GgufMetadata metadata;
  std::map<std::string, GgufTensor> tensors;
};

/// Whether the file begins like a GGUF file.
bool is_gguf(std::span<const std::byte> bytes);

/// Reads the header of a GGUF file of version 2 or 3 and checks every rule of the format
/// (docs/formats.md lists them with their messages), so that each tensor holds exactly what its
/// type and shape need. Nothing is decoded. Throws Error{kBadInput} when a rule is broken.
GgufFile open_gguf(const std::shared_ptr<const MappedFile>& file);

}  // namespace ssmi::io
