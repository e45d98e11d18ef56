#include "ssmi/core/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ssmi/core/error.h"

namespace ssmi {

FileLock::FileLock(const std::filesystem::path& path)
    : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    fail(ExitCode::kDisk, "{}: cannot open: {}", path.string(), std::strerror(errno));
  }
  // A file system without locks keeps nobody out.
  if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(descriptor_);
    fail(ExitCode::kMismatch, "{}: another process is at work there; wait for it to end",
         path.string());
  }
}

FileLock::~FileLock() {
  close(descriptor_);
}

}  // namespace ssmi
