#pragma once

#include <filesystem>

namespace ssmi {

/// Holds a file or folder, so that no other process does, until the object or its
/// process ends.
class FileLock {
 public:
  /// With `create` an empty file is made where nothing is. Throws Error{kMismatch} where another
  /// process holds it, Error{kDisk} where it cannot be opened.
  explicit FileLock(const std::filesystem::path& path, bool create = false);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  int descriptor_;
};

}  // namespace ssmi
