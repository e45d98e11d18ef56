#pragma once

#include <memory>

#include "ssmi/core/file.h"
#include "ssmi/io/weights.h"

namespace ssmi::io {

/// Whether the file begins as one of torch.save's does: its zip archives, its format before 1.6
/// (`_use_new_zipfile_serialization=False`), or the tar archives before 0.4, which are refused.
bool is_pytorch(const MappedFile& file);

/// Reads a state dict that torch.save wrote: a dict of tensors, or a training checkpoint with one
/// under 'state_dict', 'model_state_dict' or 'model'. The pickle in it is read by an interpreter of
/// our own that knows tensors and plain containers and nothing else; no code runs. Tensors are
/// views of the mapped file where they are row-major there, copies otherwise. docs/formats.md lists
/// rules and limits. Throws Error{kBadInput}.
WeightFile open_pytorch(const std::shared_ptr<const MappedFile>& file);

}  // namespace ssmi::io
