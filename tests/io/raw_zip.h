#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace ssmi::test {

/// A record of a zip archive made by hand. What is not given is as it should be.
struct RawRecord {
  std::string name{}, data{};
  uint16_t flags = 0, method = 0;
  std::optional<std::string> local_name{};
  std::optional<uint16_t> local_flags{}, local_method{};
  std::optional<uint32_t> size{}, stored_size{}, offset{};    // of the directory
  std::optional<uint32_t> local_size{}, local_stored_size{};  // of the local header
  std::string extra{}, local_extra{};
  uint16_t disk = 0;
};

/// The archive's ending. What is not given is as it should be.
struct RawEnd {
  bool zip64 = false;
  std::string comment{};
  std::optional<uint64_t> entries{}, size{}, begin{};  // of the directory, both records
  std::optional<uint16_t> old_entries{};               // of the old record beside a zip64 one
  std::optional<uint64_t> locator{};
  uint16_t disk = 0;
};

template <typename... Numbers>
std::string packed(Numbers... numbers) {
  std::string bytes;
  const auto add = [&](auto number) {
    std::string part(sizeof number, '\0');
    std::memcpy(part.data(), &number, sizeof number);
    bytes += part;
  };
  (add(numbers), ...);
  return bytes;
}

/// The fields that local headers and directory entries share, from flags to the extra field's size.
inline std::string raw_header(uint16_t flags, uint16_t method, uint32_t stored_size, uint32_t size,
                              size_t name, size_t extra) {
  return packed(flags, method, uint16_t{0}, uint16_t{0}, uint32_t{0}, stored_size, size,
                static_cast<uint16_t>(name), static_cast<uint16_t>(extra));
}

inline std::string raw_end(const RawEnd& end, size_t records, size_t begin, size_t size) {
  const uint64_t entries = end.entries.value_or(records);
  const uint64_t from = end.begin.value_or(begin), bytes = end.size.value_or(size);
  std::string result;
  if (end.zip64) {
    result += packed(uint32_t{0x06064b50}, uint64_t{44}, uint16_t{45}, uint16_t{45},
                     uint32_t{end.disk}, uint32_t{end.disk}, entries, entries, bytes, from);
    result +=
        packed(uint32_t{0x07064b50}, uint32_t{0}, end.locator.value_or(begin + size), uint32_t{1});
  }
  const auto old_entries = end.old_entries.value_or(static_cast<uint16_t>(entries));
  return result +
         packed(uint32_t{0x06054b50}, end.disk, end.disk, old_entries, old_entries,
                static_cast<uint32_t>(bytes), static_cast<uint32_t>(from),
                static_cast<uint16_t>(end.comment.size())) +
         end.comment;
}

inline std::string raw_zip(const std::vector<RawRecord>& records, const RawEnd& end = {}) {
  std::string body, directory;
  for (const RawRecord& record : records) {
    const auto offset = record.offset.value_or(static_cast<uint32_t>(body.size()));
    const auto length = static_cast<uint32_t>(record.data.size());
    const std::string local_name = record.local_name.value_or(record.name);
    body +=
        packed(uint32_t{0x04034b50}, uint16_t{0}) +
        raw_header(record.local_flags.value_or(record.flags),
                   record.local_method.value_or(record.method),
                   record.local_stored_size.value_or(length), record.local_size.value_or(length),
                   local_name.size(), record.local_extra.size()) +
        local_name + record.local_extra + record.data;
    directory += packed(uint32_t{0x02014b50}, uint16_t{0}, uint16_t{0}) +
                 raw_header(record.flags, record.method, record.stored_size.value_or(length),
                            record.size.value_or(length), record.name.size(), record.extra.size()) +
                 packed(uint16_t{0}, record.disk, uint16_t{0}, uint32_t{0}, offset) + record.name +
                 record.extra;
  }
  return body + directory + raw_end(end, records.size(), body.size(), directory.size());
}

}  // namespace ssmi::test
