#pragma once

#include <functional>
#include <memory>
#include <span>

#include "pickle.h"
#include "ssmi/core/file.h"
#include "ssmi/io/weights.h"

namespace ssmi::io {

/// Gives the bytes of a storage, or throws.
using StorageBytes = std::function<std::span<const std::byte>(const PickleStorage& storage)>;

/// Bytes that a storage says it has. Throws Error{kBadInput} on overflow.
uint64_t storage_size(const PickleStorage& storage, const std::string& file);

/// The tensors of a pickled state dict. Throws Error{kBadInput} when it is none, and for a tensor
/// that leaves its storage.
WeightFile read_state_dict(const Pickle& pickle, const StorageBytes& bytes_of,
                           const std::shared_ptr<const MappedFile>& file);

}  // namespace ssmi::io
