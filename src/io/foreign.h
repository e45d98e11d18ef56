#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace ssmi::io {

/// Throws Error{kBadInput} when the file is what Git LFS leaves in place of a large one.
void refuse_lfs_pointer(std::span<const std::byte> bytes, const std::string& file);

/// Throws Error{kBadInput}: the file is no weight file that is read here. Says what it is where
/// that is known.
[[noreturn]] void refuse_foreign(std::span<const std::byte> bytes, const std::string& file);

}  // namespace ssmi::io
