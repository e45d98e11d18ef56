#include <fmt/format.h>

#include <array>
#include <cstring>

#include "gguf_types.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/utf8.h"
#include "ssmi/io/gguf.h"

namespace ssmi::io {
namespace {

struct TypeRow {
  std::string_view name;
  uint64_t size;
};

constexpr std::array<TypeRow, 13> kTypes{{{"uint8", 1},
                                          {"int8", 1},
                                          {"uint16", 2},
                                          {"int16", 2},
                                          {"uint32", 4},
                                          {"int32", 4},
                                          {"float32", 4},
                                          {"bool", 1},
                                          {"string", 0},
                                          {"array", 0},
                                          {"uint64", 8},
                                          {"int64", 8},
                                          {"float64", 8}}};
static_assert(static_cast<size_t>(GgufType::kF64) + 1 == kTypes.size());

template <typename T>
T read(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

bool is_integer(GgufType type) {
  return type != GgufType::kF32 && type != GgufType::kF64 && type != GgufType::kBool &&
         type != GgufType::kString;
}

/// An element as an integer; uint64 beyond int64 as INT64_MAX, which no caller's bounds take.
int64_t integer_at(GgufType type, std::span<const std::byte> bytes) {
  switch (type) {
    case GgufType::kU8:
      return read<uint8_t>(bytes);
    case GgufType::kI8:
      return read<int8_t>(bytes);
    case GgufType::kU16:
      return read<uint16_t>(bytes);
    case GgufType::kI16:
      return read<int16_t>(bytes);
    case GgufType::kU32:
      return read<uint32_t>(bytes);
    case GgufType::kI32:
      return read<int32_t>(bytes);
    case GgufType::kU64:
      return static_cast<int64_t>(std::min<uint64_t>(read<uint64_t>(bytes), INT64_MAX));
    default:
      return read<int64_t>(bytes);
  }
}

/// The string that `bytes` begin with, cut off them. The reader has checked its length.
std::string take_string(std::span<const std::byte>& bytes, const std::string& where,
                        const std::string& key) {
  const auto length = static_cast<size_t>(read<uint64_t>(bytes));
  const auto text = bytes.subspan(sizeof(uint64_t), length);
  bytes = bytes.subspan(sizeof(uint64_t) + length);
  std::string result(reinterpret_cast<const char*>(text.data()), text.size());
  if (!is_utf8(result)) {
    bad_input("{}: metadata '{}' is not UTF-8: '{}'", where, key, excerpt(result));
  }
  return result;
}

}  // namespace

uint64_t size_of(GgufType type) {
  return kTypes[static_cast<size_t>(type)].size;
}

std::string described(const GgufValue& value) {
  const auto name = kTypes[static_cast<size_t>(value.type)].name;
  return value.is_array ? fmt::format("an array of {} {}", value.count, name) : std::string(name);
}

bool GgufMetadata::add(const std::string& key, const GgufValue& value) {
  return values_.emplace(key, value).second;
}

const GgufValue& GgufMetadata::at(const std::string& key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) bad_input("{}: metadata '{}' is missing", where_, key);
  return found->second;
}

const GgufValue& GgufMetadata::scalar(const std::string& key, const char* expected) const {
  const GgufValue& value = at(key);
  if (value.is_array) {
    bad_input("{}: metadata '{}' should be {}, found {}", where_, key, expected, described(value));
  }
  return value;
}

const GgufValue& GgufMetadata::array(const std::string& key, const char* expected) const {
  const GgufValue& value = at(key);
  if (!value.is_array) {
    bad_input("{}: metadata '{}' should be {}, found {}", where_, key, expected, described(value));
  }
  return value;
}

std::string GgufMetadata::string(const std::string& key) const {
  const GgufValue& value = scalar(key, "a string");
  if (value.type != GgufType::kString) {
    bad_input("{}: metadata '{}' should be a string, found {}", where_, key, described(value));
  }
  auto bytes = value.bytes;
  return take_string(bytes, where_, key);
}

bool GgufMetadata::boolean(const std::string& key) const {
  const GgufValue& value = scalar(key, "a bool");
  if (value.type != GgufType::kBool) {
    bad_input("{}: metadata '{}' should be a bool, found {}", where_, key, described(value));
  }
  return value.bytes[0] != std::byte{0};
}

double GgufMetadata::number(const std::string& key) const {
  const GgufValue& value = scalar(key, "a number");
  if (value.type == GgufType::kF32) return static_cast<double>(read<float>(value.bytes));
  if (value.type == GgufType::kF64) return read<double>(value.bytes);
  if (is_integer(value.type)) return static_cast<double>(integer_at(value.type, value.bytes));
  bad_input("{}: metadata '{}' should be a number, found {}", where_, key, described(value));
}

int64_t GgufMetadata::integer(const std::string& key, int64_t min, int64_t max) const {
  const GgufValue& value = scalar(key, "an integer");
  if (!is_integer(value.type)) {
    bad_input("{}: metadata '{}' should be an integer, found {}", where_, key, described(value));
  }
  const int64_t number = integer_at(value.type, value.bytes);
  if (number < min || number > max) {
    bad_input("{}: metadata '{}' should be an integer from {} to {}, found {}", where_, key, min,
              max, number);
  }
  return number;
}

std::vector<std::string> GgufMetadata::strings(const std::string& key) const {
  const GgufValue& value = array(key, "an array of strings");
  if (value.type != GgufType::kString) {
    bad_input("{}: metadata '{}' should be an array of strings, found {}", where_, key,
              described(value));
  }
  std::vector<std::string> result;
  result.reserve(value.count);
  auto bytes = value.bytes;
  for (uint64_t i = 0; i < value.count; ++i)
    result.push_back(take_string(bytes, where_, key));
  return result;
}

std::vector<int64_t> GgufMetadata::integers(const std::string& key, int64_t min,
                                            int64_t max) const {
  const GgufValue& value = array(key, "an array of integers");
  if (!is_integer(value.type)) {
    bad_input("{}: metadata '{}' should be an array of integers, found {}", where_, key,
              described(value));
  }
  std::vector<int64_t> result;
  result.reserve(value.count);
  const uint64_t size = size_of(value.type);
  for (uint64_t i = 0; i < value.count; ++i) {
    const int64_t number = integer_at(value.type, value.bytes.subspan(i * size, size));
    if (number < min || number > max) {
      bad_input("{}: an element of metadata '{}' should be from {} to {}, found {}", where_, key,
                min, max, number);
    }
    result.push_back(number);
  }
  return result;
}

}  // namespace ssmi::io
