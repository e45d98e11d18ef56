#pragma once

#include <string>

namespace ssmi::io {

/// The commands that make a weight file that is read here out of one that is not. They name the
/// file only where that is safe to paste into a shell. Loading runs what the file says, so the
/// text asks for trust.
std::string conversion_of_pickle(const std::string& file);
std::string conversion_of_torchscript(const std::string& file);

/// The command that makes a GGUF file of another type.
std::string conversion_of_gguf(const std::string& file);

}  // namespace ssmi::io
