#include "ssmi/core/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "ssmi/core/error.h"

namespace ssmi {
namespace {

[[noreturn]] void disk_error(const std::filesystem::path& path, std::string_view what) {
  fail(ExitCode::kDisk, "{}: {}: {}", path.string(), what, std::strerror(errno));
}

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags, mode_t mode = 0)
      : value_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }

 private:
  int value_;
};

/// Opens a regular file for reading and gives its size. O_NONBLOCK: a pipe must not hang us.
uint64_t regular_file_size(const Descriptor& file, const std::filesystem::path& path) {
  if (file.get() < 0) disk_error(path, "cannot open");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) disk_error(path, "cannot stat");
  if (S_ISDIR(status.st_mode)) {
    fail(ExitCode::kDisk, "{}: is a folder, expected a file", path.string());
  }
  if (!S_ISREG(status.st_mode)) {
    fail(ExitCode::kDisk, "{}: is not a regular file", path.string());
  }
  return static_cast<uint64_t>(status.st_size);
}

void write_all(int descriptor, std::span<const std::byte> bytes,
               const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      disk_error(path, "cannot write");
    }
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  return std::make_shared<const MappedFile>(path);
}

MappedFile::MappedFile(std::filesystem::path path) : path_(std::move(path)) {
  const Descriptor file(path_, O_RDONLY | O_NONBLOCK);
  size_ = static_cast<size_t>(regular_file_size(file, path_));
  if (size_ == 0) return;
  void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (mapping == MAP_FAILED && errno == ENOMEM) {
    fail(ExitCode::kOutOfMemory, "{}: cannot map its {} bytes: out of memory", path_.string(),
         size_);
  }
  if (mapping == MAP_FAILED) disk_error(path_, "cannot map");
  data_ = static_cast<const std::byte*>(mapping);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

std::string read_file(const std::filesystem::path& path, uint64_t max_bytes) {
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  const uint64_t size = regular_file_size(file, path);
  if (size > max_bytes) {
    bad_input("{}: has {} bytes, expected at most {}", path.string(), size, max_bytes);
  }
  std::string content(static_cast<size_t>(size), '\0');
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t count = ::read(file.get(), content.data() + done, content.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) disk_error(path, "cannot read");
    if (count == 0) break;  // the file shrank meanwhile
    done += static_cast<size_t>(count);
  }
  content.resize(done);
  return content;
}

namespace {

/// Where a file is really to be written: what a symbolic link leads to, not the link.
std::filesystem::path target_of(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::error_code status;
  const fs::path target = fs::is_symlink(path, status) ? fs::canonical(path, status) : path;
  if (fs::is_directory(target, status)) {
    fail(ExitCode::kDisk, "{}: is a folder, expected a file", path.string());
  }
  if (target.empty() || (fs::exists(target, status) && !fs::is_regular_file(target, status))) {
    fail(ExitCode::kDisk, "{}: is not a regular file", path.string());
  }
  return target;
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path)
    : path_(target_of(path)), temporary_(path_.string() + ".XXXXXX") {
  std::string name = temporary_.string();
  descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) disk_error(path_, "cannot create");
  temporary_ = name;
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write_all(descriptor_, bytes, path_);
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text)));
}

void AtomicFile::reserve(uint64_t size) {
  int error = EINTR;
  while (error == EINTR)
    error = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(size));
  errno = error;
  if (error != 0) disk_error(path_, fmt::format("cannot take {} bytes of disk space", size));
}

void AtomicFile::write_at(uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      disk_error(path_, "cannot write");
    }
    offset += static_cast<uint64_t>(written);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::commit() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(descriptor_, 0666 & ~mask) != 0) disk_error(path_, "cannot set permissions");
  if (::fsync(descriptor_) != 0) disk_error(path_, "cannot sync");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    disk_error(path_, "cannot rename into place");
  ::close(std::exchange(descriptor_, -1));
}

void make_folder(const std::filesystem::path& path) {
  std::error_code status;
  std::filesystem::create_directories(path, status);
  if (status) fail(ExitCode::kDisk, "{}: cannot create: {}", path.string(), status.message());
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

void append_line(const std::filesystem::path& path, std::string_view line) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (file.get() < 0) disk_error(path, "cannot open");
  const std::string text = std::string(line) + '\n';
  write_all(file.get(), std::as_bytes(std::span(text)), path);
  if (::fsync(file.get()) != 0) disk_error(path, "cannot sync");
}

}  // namespace ssmi
