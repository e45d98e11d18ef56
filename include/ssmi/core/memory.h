#pragma once

#include <cstdint>

namespace ssmi {

/// Bytes of memory that this process may come to use: the machine's, or its control group's limit
/// where that is smaller.
uint64_t memory_limit();

}  // namespace ssmi
