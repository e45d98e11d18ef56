#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ssmi/io/gguf.h"

namespace ssmi::io {

/// Bytes of one element; a string has a size of its own.
uint64_t size_of(GgufType type);

/// "uint32", "an array of 3 strings": what a message says was found.
std::string described(const GgufValue& value);

}  // namespace ssmi::io
