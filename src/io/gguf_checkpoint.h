#pragma once

#include <filesystem>

#include "ssmi/io/checkpoint.h"

namespace ssmi::io {

/// A GGUF file as a checkpoint of the transformers library: the metadata's configuration in its
/// keys, the tensors under its names. Throws Error{kBadInput}, Error{kDisk}.
Checkpoint open_gguf_checkpoint(const std::filesystem::path& path);

}  // namespace ssmi::io
