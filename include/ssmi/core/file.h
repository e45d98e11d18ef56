#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ssmi {

/// A whole file mapped read-only. The span lives as long as the object; shared by whoever holds
/// a view of it. The file must not shrink while it is mapped.
class MappedFile {
 public:
  /// Throws Error{kDisk} when the file cannot be opened or is not a regular file.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  /// The same; open() where views of it are handed out.
  explicit MappedFile(std::filesystem::path path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// Reads a regular file. Throws Error{kDisk} when it cannot be read, Error{kBadInput} when it is
/// larger than `max_bytes` (checked before anything is allocated).
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes);

/// A file that appears under its name only when it is complete: written beside its place,
/// synced and renamed by commit(); removed by the destructor otherwise.
class AtomicFile {
 public:
  /// Follows a symbolic link. Throws Error{kDisk} when the folder is missing or not writable, or
  /// the path is anything but a regular file.
  explicit AtomicFile(const std::filesystem::path& path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Appends. Throws Error{kDisk} (a full disk, say).
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  /// Makes the file `size` bytes long, its new bytes zero, and takes the disk space for them.
  /// Throws Error{kDisk} where there is not as much.
  void reserve(uint64_t size);
  /// Overwrites bytes that are there. Throws Error{kDisk}.
  void write_at(uint64_t offset, std::span<const std::byte> bytes);
  /// Syncs and renames into place. Throws Error{kDisk}.
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_;
};

/// Makes a folder, and those it lies in, where they are missing. Throws Error{kDisk}.
void make_folder(const std::filesystem::path& path);

/// Writes a whole file atomically.
void write_file(const std::filesystem::path& path, std::string_view content);

/// Appends one line and a line feed to a file, made if absent, in a single write, and syncs it.
void append_line(const std::filesystem::path& path, std::string_view line);

}  // namespace ssmi
