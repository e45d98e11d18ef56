#include "ssmi/io/gguf.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>
#include <utility>

#include "blocks.h"
#include "conversion.h"
#include "gguf_types.h"
#include "ssmi/core/checked.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/utf8.h"

namespace ssmi::io {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little endian");

constexpr std::string_view kMagic = "GGUF";
constexpr uint64_t kDefaultAlignment = 32;
constexpr uint64_t kMaxAlignment = 1 << 16;
constexpr uint64_t kMaxName = 65535;    // of the format's description
constexpr uint32_t kMaxDimensions = 4;  // of ggml
constexpr uint64_t kMaxMetadata = 100'000;
// The shortest entries: key, type and value; name, dimensions, type and offset.
constexpr uint64_t kLeastMetadata = 8 + 4 + 1;
constexpr uint64_t kLeastTensor = 8 + 4 + 4 + 8;

class Reader {
 public:
  explicit Reader(const std::shared_ptr<const MappedFile>& file)
      : bytes_(file->bytes()),
        result_{file, GgufMetadata(file->path().string()), {}},
        where_(result_.metadata.where()) {}

  GgufFile read();

 private:
  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    bad_input("{}: {}", where_, fmt::format(format, std::forward<Args>(args)...));
  }

  uint64_t left() const { return bytes_.size() - at_; }
  std::span<const std::byte> take(uint64_t count, const std::string& what);
  template <typename T>
  T number(const std::string& what);
  std::string name(const std::string& what);

  void read_version();
  uint64_t count(const std::string& what, uint64_t least_bytes);
  void read_metadata(uint64_t index);
  GgufValue value(const std::string& what);
  void skip_elements(const GgufValue& value, const std::string& what);
  void read_tensor(uint64_t index);
  const BlockFormat& format_of(uint32_t id, const std::string& tensor) const;
  void place_tensors();

  struct Entry {
    std::string name;
    uint64_t offset;
    uint64_t size;
  };

  std::span<const std::byte> bytes_;
  GgufFile result_;
  const std::string where_;
  uint64_t at_ = 0;
  uint64_t alignment_ = kDefaultAlignment;
  std::vector<Entry> entries_;
};

std::span<const std::byte> Reader::take(uint64_t count, const std::string& what) {
  if (count > left()) {
    refuse("is cut short: {} needs {} bytes, {} are left", what, count, left());
  }
  const auto taken = bytes_.subspan(at_, count);
  at_ += count;
  return taken;
}

template <typename T>
T Reader::number(const std::string& what) {
  T value;
  std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
  return value;
}

std::string Reader::name(const std::string& what) {
  const auto length = number<uint64_t>(what);
  if (length > kMaxName) refuse("{} has {} bytes, expected at most {}", what, length, kMaxName);
  const auto bytes = take(length, what);
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!is_utf8(text)) refuse("{} is not UTF-8: '{}'", what, excerpt(text));
  return text;
}

void Reader::read_version() {
  const auto version = number<uint32_t>("the version");
  if (version == 2 || version == 3) return;
  if (const auto swapped = __builtin_bswap32(version); swapped >= 1 && swapped <= 3) {
    refuse(
        "is a big-endian GGUF file, expected a little-endian one; convert it again without "
        "--bigendian");
  }
  refuse("is GGUF version {}, expected 2 or 3; convert the model again", version);
}

/// A number of entries, which cannot be more than the file has bytes for.
uint64_t Reader::count(const std::string& what, uint64_t least_bytes) {
  const auto value = number<uint64_t>("the number of " + what);
  if (value > left() / least_bytes) {
    refuse("announces {} {}, more than its {} bytes can hold", value, what, bytes_.size());
  }
  return value;
}

GgufFile Reader::read() {
  take(kMagic.size(), "the magic");
  read_version();
  // Both stand before the first entry: bounded again by what is left where they begin.
  const auto tensors = count("tensors", kLeastTensor);
  const auto metadata = count("metadata entries", kLeastMetadata);
  if (metadata > kMaxMetadata) refuse("has more than {} metadata entries", kMaxMetadata);
  for (uint64_t i = 0; i < metadata; ++i)
    read_metadata(i);
  if (result_.metadata.has("general.alignment")) {
    alignment_ = static_cast<uint64_t>(
        result_.metadata.integer("general.alignment", 1, static_cast<int64_t>(kMaxAlignment)));
    if (!std::has_single_bit(alignment_)) {
      refuse("metadata 'general.alignment' should be a power of two, found {}", alignment_);
    }
  }
  for (uint64_t i = 0; i < tensors; ++i)
    read_tensor(i);
  place_tensors();
  return std::move(result_);
}

void Reader::read_metadata(uint64_t index) {
  const std::string key = name(fmt::format("the key of metadata entry {}", index));
  const std::string what = fmt::format("metadata '{}'", excerpt(key));
  if (!result_.metadata.add(key, value(what))) refuse("{} is given twice", what);
}

GgufValue Reader::value(const std::string& what) {
  GgufValue value;
  auto type = number<uint32_t>(what);
  if (type == static_cast<uint32_t>(GgufType::kArray)) {
    value.is_array = true;
    type = number<uint32_t>(what);
    value.count = number<uint64_t>(what);
    if (type == static_cast<uint32_t>(GgufType::kArray)) {
      refuse("{} is an array of arrays, which is not read", what);
    }
  }
  if (type > static_cast<uint32_t>(GgufType::kF64)) {
    refuse("{} has type {}, expected 0 to {}", what, type, static_cast<uint32_t>(GgufType::kF64));
  }
  value.type = static_cast<GgufType>(type);
  const uint64_t begin = at_;
  skip_elements(value, what);
  value.bytes = bytes_.subspan(begin, at_ - begin);
  return value;
}

void Reader::skip_elements(const GgufValue& value, const std::string& what) {
  const uint64_t size = value.type == GgufType::kString ? sizeof(uint64_t) : size_of(value.type);
  if (value.count > left() / size) {
    refuse("is cut short: {} has {} elements, {} bytes are left", what, value.count, left());
  }
  if (value.type != GgufType::kString) {
    take(value.count * size, what);
    return;
  }
  for (uint64_t i = 0; i < value.count; ++i)
    take(number<uint64_t>(what), what);
}

const BlockFormat& Reader::format_of(uint32_t id, const std::string& tensor) const {
  if (const BlockFormat* format = find_block_format(id)) return *format;
  const std::string_view known = unread_format_name(id);
  if (known.empty()) refuse("{} has type {}, which is none that is known", tensor, id);
  refuse("{} is stored as {}; read are {}; {}", tensor, known, block_format_names(),
         conversion_of_gguf(where_));
}

void Reader::read_tensor(uint64_t index) {
  Entry entry{name(fmt::format("the name of tensor {}", index)), 0, 0};
  const std::string what = fmt::format("tensor '{}'", excerpt(entry.name));
  const auto dimensions = number<uint32_t>(what);
  if (dimensions > kMaxDimensions) {
    refuse("{} has {} dimensions, expected at most {}", what, dimensions, kMaxDimensions);
  }
  GgufTensor tensor;
  for (uint32_t i = 0; i < dimensions; ++i) {
    const auto extent = number<uint64_t>(what);
    if (extent > INT64_MAX)
      refuse("{} has an extent of {}, more than any file holds", what, extent);
    tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(extent));
  }
  tensor.format = &format_of(number<uint32_t>(what), what);
  entry.offset = number<uint64_t>(what);
  const auto shape =
      fmt::format("shape [{}] of {}", fmt::join(tensor.shape, ", "), tensor.format->name);
  const auto elements = checked_numel(tensor.shape);
  const int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % tensor.format->values != 0) {
    refuse("{} has {}, whose blocks of {} do not fill its rows", what, shape,
           tensor.format->values);
  }
  const auto bytes = elements ? checked_mul(*elements / tensor.format->values, tensor.format->bytes)
                              : std::nullopt;
  if (!bytes) refuse("{} has {}, more than any file holds", what, shape);
  entry.size = static_cast<uint64_t>(*bytes);
  if (!result_.tensors.emplace(entry.name, std::move(tensor)).second) {
    refuse("{} is given twice", what);
  }
  entries_.push_back(std::move(entry));
}

/// Holds the tensors against the bytes after the header, which begin aligned and which they tile,
/// each padded to the alignment.
void Reader::place_tensors() {
  const auto padded = [&](uint64_t size) { return (size + alignment_ - 1) & ~(alignment_ - 1); };
  const uint64_t begin = std::min<uint64_t>(padded(at_), bytes_.size());
  const auto data = bytes_.subspan(begin);
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.offset < b.offset; });
  uint64_t end = 0;  // of the tensors so far, padded; at most the file's size and some
  for (const Entry& entry : entries_) {
    const std::string what = fmt::format("tensor '{}'", excerpt(entry.name));
    if (entry.offset > data.size() || entry.size > data.size() - entry.offset) {
      refuse("{} takes {} bytes from {} on and leaves the file, which has {} bytes of data", what,
             entry.size, entry.offset, data.size());
    }
    if (entry.offset % alignment_ != 0) {
      refuse("{} begins at {}, expected a multiple of {}", what, entry.offset, alignment_);
    }
    if (entry.offset < end) refuse("{} overlaps another tensor", what);
    if (entry.offset > end) {
      refuse("{} bytes before {} belong to no tensor", entry.offset - end, what);
    }
    result_.tensors.at(entry.name).data = data.subspan(entry.offset, entry.size);
    end = padded(entry.offset + entry.size);
  }
  if (data.size() > end) refuse("the last {} bytes belong to no tensor", data.size() - end);
}

}  // namespace

bool is_gguf(std::span<const std::byte> bytes) {
  return bytes.size() >= kMagic.size() && std::memcmp(bytes.data(), kMagic.data(), 4) == 0;
}

GgufFile open_gguf(const std::shared_ptr<const MappedFile>& file) {
  if (!is_gguf(file->bytes())) {
    bad_input("{}: is no GGUF file: does not begin with 'GGUF'", file->path().string());
  }
  return Reader(file).read();
}

}  // namespace ssmi::io
