#pragma once

#include <cstdint>

namespace ssmi {

/// Bytes of memory that this process may come to use: the machine's, or its control group's limit
/// where that is smaller.
uint64_t memory_limit();

/// Lets the allocator keep blocks of up to 32 MiB that are freed, as far as that can be told to it:
/// a pass frees and asks for the same tensors again, and pages that come anew from the system cost
/// more than the work on them.
void keep_freed_memory();

}  // namespace ssmi
