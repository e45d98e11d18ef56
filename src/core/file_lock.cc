#include "ssmi/core/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ssmi/core/error.h"

namespace ssmi {

FileLock::FileLock(const std::filesystem::path& path, bool create) {
  struct stat status {};
  do {
    descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | (create ? O_CREAT : 0), 0666);
    if (descriptor_ < 0) {
      fail(ExitCode::kDisk, "{}: cannot open: {}", path.string(), std::strerror(errno));
    }
    // A file system without locks keeps nobody out.
    if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      close(descriptor_);
      fail(ExitCode::kMismatch, "{}: another process is at work there; wait for it to end",
           path.string());
    }
    // Who held it before may have removed it since it was opened.
  } while (create && fstat(descriptor_, &status) == 0 && status.st_nlink == 0 &&
           close(descriptor_) == 0);
}

FileLock::~FileLock() {
  close(descriptor_);
}

}  // namespace ssmi
