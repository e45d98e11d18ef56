#pragma once

#include <filesystem>

#include "ssmi/io/tensor.h"

namespace ssmi::io {

/// Maps a NumPy array file (.npy, format versions 1 to 3; numpy.lib.format) of numbers or truth
/// values, little endian, in C order. Pickled objects and records are refused, never read. Throws
/// Error{kBadInput} when a rule of the format is broken or the data do not fill the shape,
/// Error{kDisk} when it cannot be opened.
TensorView open_npy(const std::filesystem::path& path);

}  // namespace ssmi::io
