#include "ssmi/io/checkpoint.h"

#include <map>
#include <string_view>
#include <utility>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/file.h"
#include "ssmi/core/hash.h"

namespace ssmi::io {
namespace {

namespace fs = std::filesystem;

constexpr auto kConfig = "config.json";
constexpr auto kWeights = "model.safetensors";
constexpr auto kIndex = "model.safetensors.index.json";
constexpr uint64_t kMaxConfig = 4 << 20;
constexpr uint64_t kMaxIndex = 16 << 20;

constexpr std::string_view kConversion =
    "python -c \"import torch, safetensors.torch as s; s.save_file({k: v.clone().contiguous() "
    "for k, v in torch.load('pytorch_model.bin', map_location='cpu', weights_only=True).items()}, "
    "'model.safetensors')\"";

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

[[noreturn]] void no_weights(const fs::path& folder) {
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    if (!is_there(folder / name)) continue;
    bad_input("{}: has {}, but only safetensors is read; convert it there with: {}",
              folder.string(), name, kConversion);
  }
  bad_input("{}: no weights: neither {} nor {} is there", folder.string(), kWeights, kIndex);
}

/// Where a shard lies. Symbolic links may only lead to a file of the folder itself or, in the
/// Hugging Face cache (models--x/snapshots/<revision>/), of models--x/blobs/.
fs::path shard_path(const fs::path& folder, const std::string& name, const std::string& where) {
  if (name.empty() || name == "." || name == ".." ||
      name.find_first_of(std::string_view("/\\\0", 3)) != name.npos) {
    bad_input("{}: shard '{}' is not the name of a file in the folder", where, excerpt(name));
  }
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  const fs::path target = error ? fs::path() : fs::canonical(folder / name, error);
  if (error) bad_input("{}: shard '{}' is not in the folder", where, excerpt(name));
  const fs::path place = target.parent_path();
  const fs::path snapshots = root.parent_path();
  const bool in_cache =
      snapshots.filename() == "snapshots" && place == snapshots.parent_path() / "blobs";
  if (place != root && !in_cache) {
    bad_input("{}: shard '{}' is a symbolic link out of the folder", where, excerpt(name));
  }
  return folder / name;
}

/// The shards the index names, each with the tensors it should hold.
std::map<std::string, std::vector<std::string>> read_index(const fs::path& path) {
  const std::string where = path.string();
  const Json index = parse_json(read_file(path, kMaxIndex), where);
  const Json& weight_map = JsonObject(index, where).at("weight_map");
  if (!weight_map.is_object() || weight_map.empty()) {
    bad_input("{}: 'weight_map' should be an object that gives each tensor's file", where);
  }
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto& [tensor, file] : weight_map.items()) {
    if (!file.is_string()) {
      bad_input("{}: the file of tensor '{}' should be a string, found {}", where, excerpt(tensor),
                file.type_name());
    }
    shards[file.get<std::string>()].push_back(tensor);
  }
  return shards;
}

/// Moves the tensors of a shard, exactly those expected, to `tensors`.
void take_shard(const fs::path& path, const std::vector<std::string>& expected,
                TensorMap& tensors) {
  TensorMap found = open_safetensors(path).tensors;
  for (const std::string& name : expected) {
    auto node = found.extract(name);
    if (node.empty()) {
      bad_input("{}: tensor '{}' is missing, {} places it here", path.string(), excerpt(name),
                kIndex);
    }
    tensors.insert(std::move(node));
  }
  if (!found.empty()) {
    bad_input("{}: tensor '{}' is unexpected, {} does not place it here", path.string(),
              excerpt(found.begin()->first), kIndex);
  }
}

void open_shards(Checkpoint& checkpoint) {
  const fs::path index = checkpoint.folder / kIndex;
  for (const auto& [name, expected] : read_index(index)) {
    take_shard(shard_path(checkpoint.folder, name, index.string()), expected, checkpoint.tensors);
    checkpoint.files.push_back(name);
  }
}

}  // namespace

Checkpoint open_checkpoint(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    fail(ExitCode::kDisk, "{}: is not a folder; a checkpoint is a folder with {} and {}",
         folder.string(), kConfig, kWeights);
  }
  const fs::path config = folder / kConfig;
  if (!is_there(config)) bad_input("{}: no {}: not a checkpoint", folder.string(), kConfig);
  Checkpoint result{
      folder, parse_json(read_file(config, kMaxConfig), config.string()), {}, {kConfig}};
  JsonObject(result.config, config.string());  // refuses anything but an object
  if (is_there(folder / kWeights)) {
    result.tensors = open_safetensors(folder / kWeights).tensors;
    result.files.push_back(kWeights);
  } else if (is_there(folder / kIndex)) {
    open_shards(result);
  } else {
    no_weights(folder);
  }
  return result;
}

std::string checkpoint_sha256(const Checkpoint& checkpoint) {
  Sha256 hash;
  for (const std::string& name : checkpoint.files) {
    hash.update(MappedFile::open(checkpoint.folder / name)->bytes());
  }
  return hash.finish();
}

}  // namespace ssmi::io
