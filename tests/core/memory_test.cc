#include "ssmi/core/memory.h"

#include <unistd.h>

#include "support.h"

namespace ssmi {
namespace {

TEST_CASE("memory: the limit is more than this test needs and no more than the machine has") {
  const uint64_t machine = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                           static_cast<uint64_t>(::sysconf(_SC_PAGE_SIZE));
  CHECK(memory_limit() >= (1 << 20));
  CHECK(memory_limit() <= machine);
}

}  // namespace
}  // namespace ssmi
