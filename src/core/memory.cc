#include "ssmi/core/memory.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace ssmi {

uint64_t memory_limit() {
  const auto pages = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES));
  uint64_t limit = pages * static_cast<uint64_t>(::sysconf(_SC_PAGE_SIZE));
  // Version 2 and version 1 of control groups; "max", which is no number, means none.
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    uint64_t bytes = 0;
    if (file >> bytes) limit = std::min(limit, bytes);
  }
  return limit;
}

void keep_freed_memory() {
#ifdef M_MMAP_THRESHOLD
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that glibc takes
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

}  // namespace ssmi
