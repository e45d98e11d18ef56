#include "ssmi/io/lines.h"

#include <archive.h>
#include <archive_entry.h>

#include "ssmi/core/error.h"
#include "ssmi/core/file.h"

namespace ssmi::io {
namespace {

constexpr size_t kBlock = 256 << 10;

[[noreturn]] void damaged(const std::string& where, const std::string& what) {
  bad_input("{}: the compressed file is damaged or cut short: {}", where, what);
}

}  // namespace

/// The decompressed content of a file, block by block.
struct LineReader::Source {
  explicit Source(const std::filesystem::path& path) : handle(archive_read_new()) {
    if (handle == nullptr) throw std::bad_alloc();
    archive_read_support_filter_gzip(handle.get());
    archive_read_support_filter_xz(handle.get());
    archive_read_support_filter_zstd(handle.get());
    archive_read_support_filter_bzip2(handle.get());
    archive_read_support_format_raw(handle.get());
    archive_read_support_format_empty(handle.get());
    if (archive_read_open_filename(handle.get(), path.c_str(), kBlock) != ARCHIVE_OK) {
      damaged(path.string(), message());  // it can be opened, but not decompressed
    }
  }

  /// The next block, empty at the end; nothing, with message(), when the content is damaged.
  std::optional<std::string_view> next() {
    if (!started) {
      archive_entry* entry = nullptr;
      const int status = archive_read_next_header(handle.get(), &entry);
      if (status == ARCHIVE_EOF) return "";
      if (status != ARCHIVE_OK) return std::nullopt;
      started = true;
    }
    const void* data = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(handle.get(), &data, &size, &offset);
    if (status == ARCHIVE_EOF) return "";
    if (status != ARCHIVE_OK) return std::nullopt;
    return std::string_view(static_cast<const char*>(data), size);
  }

  std::string message() {
    const char* text = archive_error_string(handle.get());
    return text == nullptr ? "unknown error" : text;
  }

  struct Close {
    void operator()(archive* reader) const { archive_read_free(reader); }
  };
  std::unique_ptr<archive, Close> handle;
  bool started = false;
};

LineReader::LineReader(const std::filesystem::path& path, size_t max_line)
    : path_(path), max_line_(max_line) {
  MappedFile::open(path);  // says why, if it cannot be opened
  source_ = std::make_unique<Source>(path);
}

LineReader::~LineReader() = default;

std::string LineReader::where() const {
  return fmt::format("{}:{}", path_.string(), number_);
}

std::optional<std::string_view> LineReader::next() {
  ++number_;
  line_.clear();
  while (true) {
    const size_t length = block_.find('\n');
    const std::string_view part = block_.substr(0, length);
    if (part.size() > max_line_ - line_.size()) {
      bad_input("{}: the line is longer than {} bytes", where(), max_line_);
    }
    if (length != block_.npos) {
      block_.remove_prefix(length + 1);
      // A line within one block is given out without a copy.
      std::string_view line = line_.empty() ? part : line_.append(part);
      if (line.ends_with('\r')) line.remove_suffix(1);
      return line;
    }
    line_ += part;
    const auto block = source_->next();
    if (!block) {
      damaged(where(), source_->message());
    }
    block_ = *block;
    if (block_.empty()) break;
  }
  if (line_.empty()) {
    --number_;
    return std::nullopt;
  }
  return line_;
}

}  // namespace ssmi::io
