#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace ssmi::io {

struct ZipRecord {
  std::span<const std::byte> stored;  ///< where it lies in the archive
  bool compressed = false;
};

using ZipRecords = std::map<std::string, ZipRecord>;

/// Reads the directory of a zip archive, zip64 or not: one disk, no encryption. Directory and local
/// headers must agree and records must not overlap. Checksums are not checked. `file` begins every
/// message. Throws Error{kBadInput}.
ZipRecords read_zip(std::span<const std::byte> bytes, const std::string& file);

}  // namespace ssmi::io
