#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ssmi::io {

/// The lines of a text file, plain or compressed by gzip, xz, zstd or bzip2 (told by content, not
/// by name), in constant memory. A line ends with a line feed, a carriage return before it is
/// dropped, and the last one needs no end. Bytes are passed on as they are, NUL included.
class LineReader {
 public:
  static constexpr size_t kMaxLine = 64 << 20;

  /// Throws Error{kDisk} when the file cannot be opened or is not a regular file.
  explicit LineReader(const std::filesystem::path& path, size_t max_line = kMaxLine);
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader();

  /// The next line, valid until the next call; nothing at the end. Throws Error{kBadInput} on a
  /// line longer than `max_line` bytes and on a compressed file that is damaged or cut short.
  std::optional<std::string_view> next();
  /// Of the line next() gave: the first has number 1.
  uint64_t number() const { return number_; }
  /// "file:number", to begin a message about that line.
  std::string where() const;

 private:
  struct Source;
  std::unique_ptr<Source> source_;
  std::filesystem::path path_;
  size_t max_line_;
  uint64_t number_ = 0;
  std::string_view block_;  // what is decompressed and not given out yet
  std::string line_;        // a line that spans blocks
};

}  // namespace ssmi::io
