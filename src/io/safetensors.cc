#include "ssmi/io/safetensors.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>
#include <string_view>

#include "foreign.h"
#include "safetensors_header.h"
#include "ssmi/core/checked.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/json.h"

namespace ssmi::io {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little endian");

constexpr uint64_t kMaxHeader = 100'000'000;  // of the reference implementation

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Length of the JSON header, checked against the file.
size_t header_length(std::span<const std::byte> bytes, const std::string& where) {
  refuse_lfs_pointer(bytes, where);
  uint64_t length = 0;
  if (bytes.size() < sizeof length) {
    bad_input("{}: has {} bytes, a safetensors file has at least 8", where, bytes.size());
  }
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > kMaxHeader) {
    bad_input("{}: is no safetensors file: announces a header of {} bytes, expected at most {}",
              where, length, kMaxHeader);
  }
  if (length > bytes.size() - sizeof length) {
    bad_input("{}: is cut short: announces a header of {} bytes, only {} follow", where, length,
              bytes.size() - sizeof length);
  }
  if (length == 0 || bytes[sizeof length] != std::byte{'{'}) {
    bad_input("{}: is no safetensors file: the header does not begin with '{{'", where);
  }
  return static_cast<size_t>(length);
}

/// Refuses overlaps and holes: the tensors tile the data.
void check_layout(const TensorMap& tensors, std::span<const std::byte> data,
                  const std::string& where) {
  std::vector<const TensorMap::value_type*> order;
  order.reserve(tensors.size());
  for (const auto& entry : tensors)
    order.push_back(&entry);
  const auto begin_of = [&](const TensorView& view) {
    return static_cast<size_t>(view.data.data() - data.data());
  };
  std::sort(order.begin(), order.end(), [&](const auto* a, const auto* b) {
    return std::pair(begin_of(a->second), a->second.data.size()) <
           std::pair(begin_of(b->second), b->second.data.size());
  });
  size_t end = 0;
  const TensorMap::value_type* previous = nullptr;
  for (const auto* entry : order) {
    const size_t begin = begin_of(entry->second);
    if (begin < end) {
      bad_input("{}: tensors '{}' and '{}' overlap", where, excerpt(previous->first),
                excerpt(entry->first));
    }
    if (begin > end) {
      bad_input("{}: {} bytes before tensor '{}' belong to no tensor", where, begin - end,
                excerpt(entry->first));
    }
    end = begin + entry->second.data.size();
    previous = entry;
  }
  if (end != data.size()) {
    bad_input("{}: the last {} bytes belong to no tensor", where, data.size() - end);
  }
}

}  // namespace

SafetensorsFile open_safetensors(const std::filesystem::path& path) {
  return open_safetensors(MappedFile::open(path));
}

SafetensorsFile open_safetensors(const std::shared_ptr<const MappedFile>& file) {
  const auto bytes = file->bytes();
  const std::string where = file->path().string();
  const size_t length = header_length(bytes, where);
  const auto data = bytes.subspan(sizeof(uint64_t) + length);
  auto result = read_header(file, as_text(bytes.subspan(sizeof(uint64_t), length)), data);
  check_layout(result.tensors, data, where);
  return result;
}

}  // namespace ssmi::io
