#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ssmi/core/json.h"
#include "ssmi/io/tensor.h"

namespace ssmi::io {

/// A Hugging Face folder, one weight file with the config.json beside it, or one GGUF file, which
/// is put into the words of the others. Nothing else is known here about what the configuration or
/// the tensors mean.
struct Checkpoint {
  std::filesystem::path folder;
  std::filesystem::path config_path;     ///< config.json, or the GGUF file
  std::filesystem::path tokenizer_path;  ///< the folder, or the GGUF file
  Json config;  ///< an object; null where there is none (open_tensors() alone)
  TensorMap tensors;
  std::vector<std::string> files;  ///< config.json if there, then the weight files sorted by name
  std::vector<std::string> notes;  ///< what a user should know of how the tensors were found
};

/// Reads a configuration. Throws Error{kBadInput} when it is no JSON object, Error{kDisk}.
Json read_config(const std::filesystem::path& path);

/// The GGUF file that a checkpoint is: the one at `path`, or the only weight file of a folder.
std::optional<std::filesystem::path> find_gguf(const std::filesystem::path& path);

/// Opens config.json with the weights of the folder, or with the weight file at `path`, which lies
/// beside it. A GGUF file needs nothing beside it. Of a folder the first of these is taken:
/// model.safetensors, the shards of model.safetensors.index.json, pytorch_model.bin, the shards of
/// pytorch_model.bin.index.json, the only file whose name ends like a weight file's. A shard must
/// lie in the folder and hold exactly the tensors the index says. docs/formats.md lists the rules.
/// Throws Error{kBadInput}, Error{kDisk}.
Checkpoint open_checkpoint(const std::filesystem::path& path);

/// The same, but config.json may be absent.
Checkpoint open_tensors(const std::filesystem::path& path);

/// SHA-256 of the contents of `files`, one after the other: what `cat FILES | sha256sum` gives.
std::string checkpoint_sha256(const Checkpoint& checkpoint);

}  // namespace ssmi::io
