#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ssmi/core/json.h"
#include "ssmi/io/safetensors.h"

namespace ssmi::io {

/// A Hugging Face folder. Nothing is known here about what the configuration or the tensors mean.
struct Checkpoint {
  std::filesystem::path folder;
  Json config;  ///< an object
  TensorMap tensors;
  std::vector<std::string> files;  ///< config.json, then the weight files sorted by name
};

/// Opens config.json with model.safetensors or, where that is absent, the shards that
/// model.safetensors.index.json names. A shard must lie in the folder and hold exactly the tensors
/// the index says. docs/formats.md lists the rules. Throws Error{kBadInput}, Error{kDisk}.
Checkpoint open_checkpoint(const std::filesystem::path& folder);

/// SHA-256 of the contents of `files`, one after the other: what `cat FILES | sha256sum` gives.
std::string checkpoint_sha256(const Checkpoint& checkpoint);

}  // namespace ssmi::io
