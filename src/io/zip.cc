#include "zip.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "ssmi/core/checked.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::io {
namespace {

// Signatures, sizes and marks of the .ZIP file format specification (PKWARE APPNOTE 6.3.10).
constexpr uint32_t kLocal = 0x04034b50, kEntry = 0x02014b50, kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr size_t kLocalSize = 30, kEntrySize = 46, kEndSize = 22, kEnd64Size = 56,
                 kLocatorSize = 20;
constexpr uint16_t kExtra64 = 1;
constexpr uint32_t kIn64 = 0xFFFFFFFF;
constexpr unsigned kEncrypted = 1U << 0, kSizesFollow = 1U << 3, kStrongEncrypted = 1U << 6,
                   kMaskedHeaders = 1U << 13;

using Bytes = std::span<const std::byte>;

template <typename Number>
Number number_at(Bytes bytes, size_t at) {
  Number value;
  std::memcpy(&value, bytes.subspan(at, sizeof value).data(), sizeof value);
  return value;
}

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The part of `bytes` that a header announces; nothing when it lies outside.
std::optional<Bytes> part(Bytes bytes, uint64_t offset, uint64_t size) {
  const auto end = checked_add(offset, size);
  if (!end || *end > bytes.size()) return std::nullopt;
  return bytes.subspan(static_cast<size_t>(offset), static_cast<size_t>(size));
}

/// A header's fields that zip64 may keep in an extra field.
struct Extent {
  uint64_t size, stored_size, offset;
};

struct Entry {
  std::string name;
  uint16_t flags, method;
  Extent extent;
};

class Reader {
 public:
  Reader(Bytes bytes, const std::string& file) : bytes_(bytes), file_(file) {}
  ZipRecords read();

 private:
  struct Directory {
    uint64_t begin, size, entries;
  };

  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    bad_input("{}: {}", file_, fmt::format(format, std::forward<Args>(args)...));
  }
  size_t find_end() const;
  Directory find_directory() const;
  Directory find_directory64(size_t end) const;
  Entry entry(Bytes& rest) const;
  static void read_extra64(Bytes extra, Extent& extent);
  void check_kind(const Entry& entry) const;
  Bytes record(const Entry& entry, size_t directory) const;
  void check_overlaps();

  Bytes bytes_;
  const std::string& file_;
  std::vector<std::pair<size_t, size_t>> extents_;  // of local headers with their records
};

/// Where the end-of-directory record lies: the last thing in the file but for its comment.
size_t Reader::find_end() const {
  const size_t last = bytes_.size() < kEndSize ? 0 : bytes_.size() - kEndSize;
  const size_t first = last > UINT16_MAX ? last - UINT16_MAX : 0;
  for (size_t at = last + 1; at-- > first && bytes_.size() >= kEndSize;) {
    if (number_at<uint32_t>(bytes_, at) == kEnd &&
        number_at<uint16_t>(bytes_, at + 20) == bytes_.size() - at - kEndSize) {
      return at;
    }
  }
  refuse("is cut short or damaged: the zip archive has no directory at its end");
}

Reader::Directory Reader::find_directory() const {
  const size_t end = find_end();
  const Bytes record = bytes_.subspan(end);
  const bool has64 =
      end >= kLocatorSize && number_at<uint32_t>(bytes_, end - kLocatorSize) == kLocator64;
  if (has64) return find_directory64(end - kLocatorSize);
  if (number_at<uint16_t>(record, 4) != 0 || number_at<uint16_t>(record, 6) != 0) {
    refuse("is one disk of a zip archive of several");
  }
  return {number_at<uint32_t>(record, 16), number_at<uint32_t>(record, 12),
          number_at<uint16_t>(record, 10)};
}

/// The zip64 record that the locator at `locator` points to; the older one after it must agree
/// where its fields are large enough.
Reader::Directory Reader::find_directory64(size_t locator) const {
  const auto at = number_at<uint64_t>(bytes_, locator + 8);
  const auto record = part(bytes_.first(locator), at, kEnd64Size);
  if (!record || number_at<uint32_t>(*record, 0) != kEnd64) {
    refuse("has no zip64 directory where the archive says it is");
  }
  if (number_at<uint32_t>(*record, 16) != 0 || number_at<uint32_t>(*record, 20) != 0) {
    refuse("is one disk of a zip archive of several");
  }
  const Directory found{number_at<uint64_t>(*record, 48), number_at<uint64_t>(*record, 40),
                        number_at<uint64_t>(*record, 32)};
  const Bytes old = bytes_.subspan(locator + kLocatorSize);
  const auto agrees = [](uint64_t value, uint64_t old_value, uint64_t mark) {
    return old_value == mark || old_value == value;
  };
  if (!agrees(found.entries, number_at<uint16_t>(old, 10), UINT16_MAX) ||
      !agrees(found.size, number_at<uint32_t>(old, 12), kIn64) ||
      !agrees(found.begin, number_at<uint32_t>(old, 16), kIn64)) {
    refuse("the archive's two directory records differ");
  }
  return found;
}

/// Takes the next entry off the directory.
Entry Reader::entry(Bytes& rest) const {
  if (rest.size() < kEntrySize || number_at<uint32_t>(rest, 0) != kEntry) {
    refuse("the archive's directory is damaged");
  }
  const size_t name = number_at<uint16_t>(rest, 28), extra = number_at<uint16_t>(rest, 30),
               comment = number_at<uint16_t>(rest, 32);
  if (name + extra + comment > rest.size() - kEntrySize) {
    refuse("the archive's directory is damaged");
  }
  Entry result{std::string(as_text(rest.subspan(kEntrySize, name))),
               number_at<uint16_t>(rest, 8),
               number_at<uint16_t>(rest, 10),
               {number_at<uint32_t>(rest, 24), number_at<uint32_t>(rest, 20),
                number_at<uint32_t>(rest, 42)}};
  if (number_at<uint16_t>(rest, 34) != 0) refuse("is one disk of a zip archive of several");
  read_extra64(rest.subspan(kEntrySize + name, extra), result.extent);
  rest = rest.subspan(kEntrySize + name + extra + comment);
  return result;
}

/// Fields that do not fit 32 bits, in the order in which they are missing.
void Reader::read_extra64(Bytes extra, Extent& extent) {
  while (extra.size() >= 4) {
    const auto id = number_at<uint16_t>(extra, 0);
    const size_t size = number_at<uint16_t>(extra, 2);
    if (size > extra.size() - 4) break;
    Bytes field = extra.subspan(4, size);
    extra = extra.subspan(4 + size);
    if (id != kExtra64) continue;
    for (uint64_t* value : {&extent.size, &extent.stored_size, &extent.offset}) {
      if (*value != kIn64 || field.size() < sizeof *value) continue;
      *value = number_at<uint64_t>(field, 0);
      field = field.subspan(sizeof *value);
    }
    return;
  }
}

void Reader::check_kind(const Entry& entry) const {
  if ((entry.flags & (kEncrypted | kStrongEncrypted | kMaskedHeaders)) != 0) {
    refuse("record '{}' is encrypted", excerpt(entry.name));
  }
  if (entry.method == 0 && entry.extent.size != entry.extent.stored_size) {
    refuse("record '{}' is stored in {} bytes and has {}", excerpt(entry.name),
           entry.extent.stored_size, entry.extent.size);
  }
}

/// The bytes of a record, after its local header, which must say the same. Sizes may be left out
/// there and follow the record; the directory has them.
Bytes Reader::record(const Entry& entry, size_t directory) const {
  const Bytes body = bytes_.first(directory);
  const auto header = part(body, entry.extent.offset, kLocalSize);
  if (!header || number_at<uint32_t>(*header, 0) != kLocal) {
    refuse("record '{}' does not lie where the directory says", excerpt(entry.name));
  }
  const size_t begin = static_cast<size_t>(entry.extent.offset) + kLocalSize;
  const size_t name_size = number_at<uint16_t>(*header, 26);
  const size_t extra_size = number_at<uint16_t>(*header, 28);
  const auto name = part(body, begin, name_size);
  const auto extra = part(body, begin + name_size, extra_size);
  Extent local{number_at<uint32_t>(*header, 22), number_at<uint32_t>(*header, 18), 0};
  const bool follow =
      (entry.flags & kSizesFollow) != 0 && local.size == 0 && local.stored_size == 0;
  if (extra) read_extra64(*extra, local);
  const bool sizes_agree =
      follow || (local.size == entry.extent.size && local.stored_size == entry.extent.stored_size);
  if (!name || !extra || as_text(*name) != entry.name || !sizes_agree ||
      number_at<uint16_t>(*header, 6) != entry.flags ||
      number_at<uint16_t>(*header, 8) != entry.method) {
    refuse("record '{}' has a header that differs from the directory", excerpt(entry.name));
  }
  const auto data = part(body, begin + name_size + extra_size, entry.extent.stored_size);
  if (!data) {
    refuse("record '{}' has {} bytes, which do not lie in the file", excerpt(entry.name),
           entry.extent.stored_size);
  }
  return *data;
}

void Reader::check_overlaps() {
  std::sort(extents_.begin(), extents_.end());
  for (size_t i = 1; i < extents_.size(); ++i) {
    if (extents_[i].first < extents_[i - 1].second) refuse("records of the archive overlap");
  }
}

ZipRecords Reader::read() {
  const Directory directory = find_directory();
  auto rest = part(bytes_, directory.begin, directory.size);
  if (!rest) refuse("the archive's directory does not lie in the file");
  if (directory.entries > rest->size() / kEntrySize) {
    refuse("the archive's directory is too short for {} records", directory.entries);
  }
  ZipRecords records;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    Entry found = entry(*rest);
    check_kind(found);
    const Bytes data = record(found, static_cast<size_t>(directory.begin));
    const auto end = static_cast<size_t>(data.data() - bytes_.data()) + data.size();
    extents_.emplace_back(static_cast<size_t>(found.extent.offset), end);
    if (!records.emplace(found.name, ZipRecord{data, found.method != 0}).second) {
      refuse("record '{}' is given twice", excerpt(found.name));
    }
  }
  if (!rest->empty()) refuse("the archive's directory has more than {} records", directory.entries);
  check_overlaps();
  return records;
}

}  // namespace

ZipRecords read_zip(std::span<const std::byte> bytes, const std::string& file) {
  return Reader(bytes, file).read();
}

}  // namespace ssmi::io
