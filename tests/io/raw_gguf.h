#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

// Builds GGUF files byte by byte, valid or not.
namespace ssmi::test::gguf {

template <typename T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

inline std::string text(std::string_view content) {
  return raw(uint64_t{content.size()}) + std::string(content);
}

/// A metadata entry; the numbers are those of the format's types.
inline std::string entry(std::string_view key, uint32_t type, const std::string& value) {
  return text(key) + raw(type) + value;
}
inline std::string entry(std::string_view key, uint32_t value) {
  return entry(key, 4, raw(value));
}
inline std::string entry(std::string_view key, float value) {
  return entry(key, 6, raw(value));
}
inline std::string entry(std::string_view key, bool value) {
  return entry(key, 7, raw(static_cast<uint8_t>(value)));
}
inline std::string entry(std::string_view key, const char* value) {
  return entry(key, 8, text(value));
}
inline std::string entry(std::string_view key, const std::vector<std::string>& values) {
  std::string bytes = raw(uint32_t{8}) + raw(uint64_t{values.size()});
  for (const std::string& value : values)
    bytes += text(value);
  return entry(key, 9, bytes);
}

/// A tensor's entry; `extents` in the file's order, the fastest first.
inline std::string tensor(std::string_view name, const std::vector<uint64_t>& extents,
                          uint32_t type, uint64_t offset) {
  std::string bytes = text(name) + raw(static_cast<uint32_t>(extents.size()));
  for (const uint64_t extent : extents)
    bytes += raw(extent);
  return bytes + raw(type) + raw(offset);
}

inline std::string header(uint32_t version, uint64_t tensors, uint64_t metadata) {
  return "GGUF" + raw(version) + raw(tensors) + raw(metadata);
}

/// Bytes up to the next multiple of the alignment.
inline std::string padded(std::string bytes, size_t alignment = 32) {
  bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
  return bytes;
}

inline std::string file(const std::vector<std::string>& metadata,
                        const std::vector<std::string>& tensors, const std::string& data,
                        size_t alignment = 32) {
  std::string bytes = header(3, tensors.size(), metadata.size());
  for (const auto& part : {metadata, tensors}) {
    for (const std::string& one : part)
      bytes += one;
  }
  return tensors.empty() ? bytes : padded(bytes, alignment) + data;
}

}  // namespace ssmi::test::gguf
