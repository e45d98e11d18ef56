#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "ssmi/core/json.h"
#include "ssmi/io/lines.h"

namespace ssmi::io {

/// The records of a file that is one JSON array of objects, plain or compressed. One is held at a
/// time, however large the array is.
class JsonArrayReader {
 public:
  /// Throws Error{kDisk} when the file cannot be opened.
  explicit JsonArrayReader(const std::filesystem::path& path) : lines_(path) {}

  /// The next record, an object; nothing at the end. Throws Error{kBadInput} as LineReader and
  /// parse_json do, and where the array does not begin or end, or is not all there is.
  std::optional<Json> next();
  /// "file:line" where that record begins, as JsonObject wants it.
  const std::string& where() const { return where_; }

 private:
  std::optional<char> take();
  std::optional<char> take_visible();
  std::string take_record(char first);

  LineReader lines_;
  std::string_view line_;  // until the next one is asked for
  size_t at_ = 1;          // of line_; behind its line feed at first
  bool begun_ = false, ended_ = false;
  std::string where_;
};

}  // namespace ssmi::io
