#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "ssmi/core/json.h"
#include "ssmi/io/lines.h"

namespace ssmi::io {

/// The records of a JSON Lines file, plain or compressed: one object a line, blank lines skipped.
class JsonlReader {
 public:
  /// Throws Error{kDisk} when the file cannot be opened.
  explicit JsonlReader(const std::filesystem::path& path) : lines_(path) {}

  /// The next record, an object; nothing at the end. Throws Error{kBadInput} as LineReader and
  /// parse_json do.
  std::optional<Json> next();
  /// "file:line" of that record, as JsonObject wants it.
  std::string where() const { return lines_.where(); }

 private:
  LineReader lines_;
};

}  // namespace ssmi::io
