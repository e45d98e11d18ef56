#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ssmi/io/tensor.h"

namespace ssmi::io {

/// The tensors of a file and what a user should know of how they were found.
struct WeightFile {
  TensorMap tensors;
  std::vector<std::string> notes;
};

/// Opens a weight file, told by its content: safetensors, or a state dict that torch.save wrote.
/// Throws Error{kBadInput} when it is neither or breaks its format (docs/formats.md lists every
/// rule), Error{kDisk} when it cannot be opened.
WeightFile open_weights(const std::filesystem::path& path);

}  // namespace ssmi::io
