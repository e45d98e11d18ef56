#include "ssmi/io/checkpoint.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "gguf_checkpoint.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/file.h"
#include "ssmi/core/hash.h"
#include "ssmi/io/gguf.h"
#include "ssmi/io/weights.h"

namespace ssmi::io {
namespace {

namespace fs = std::filesystem;

constexpr auto kConfig = "config.json";
constexpr std::array kExtensions{".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf"};
constexpr std::array kUsualNames{"model.safetensors", "pytorch_model.bin"};
constexpr auto kIndex = ".index.json";
constexpr uint64_t kMaxConfig = 4 << 20;
constexpr uint64_t kMaxIndex = 16 << 20;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
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

/// Opens a weight file of the folder, adds it to the files and gives its tensors.
TensorMap open_part(Checkpoint& checkpoint, const fs::path& path) {
  const std::string name = path.filename().string();
  WeightFile file = open_weights(path);
  for (const std::string& note : file.notes)
    checkpoint.notes.push_back(fmt::format("{}: {}", name, note));
  checkpoint.files.push_back(name);
  return std::move(file.tensors);
}

/// Moves the tensors of a shard, exactly those that `index` expects there, to `tensors`.
void take_shard(TensorMap found, const fs::path& path, const std::vector<std::string>& expected,
                const std::string& index, TensorMap& tensors) {
  for (const std::string& name : expected) {
    auto node = found.extract(name);
    if (node.empty()) {
      bad_input("{}: tensor '{}' is missing, {} places it here", path.string(), excerpt(name),
                index);
    }
    tensors.insert(std::move(node));
  }
  if (!found.empty()) {
    bad_input("{}: tensor '{}' is unexpected, {} does not place it here", path.string(),
              excerpt(found.begin()->first), index);
  }
}

TensorMap open_shards(Checkpoint& checkpoint, const std::string& index) {
  const fs::path index_path = checkpoint.folder / index;
  TensorMap tensors;
  for (const auto& [name, expected] : read_index(index_path)) {
    const fs::path path = shard_path(checkpoint.folder, name, index_path.string());
    take_shard(open_part(checkpoint, path), path, expected, index, tensors);
  }
  return tensors;
}

/// The files of the folder that are named like weights, sorted.
std::vector<std::string> weight_files(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path extension = entry->path().extension();
    std::error_code ignored;
    if (std::ranges::find(kExtensions, extension) != kExtensions.end() &&
        entry->is_regular_file(ignored))
      names.push_back(entry->path().filename());
  }
  if (error) fail(ExitCode::kDisk, "{}: cannot read: {}", folder.string(), error.message());
  std::sort(names.begin(), names.end());
  return names;
}

TensorMap open_folder(Checkpoint& checkpoint) {
  for (const std::string name : kUsualNames) {
    if (is_there(checkpoint.folder / name)) return open_part(checkpoint, checkpoint.folder / name);
    const std::string index = name + kIndex;
    if (is_there(checkpoint.folder / index)) return open_shards(checkpoint, index);
  }
  const auto names = weight_files(checkpoint.folder);
  if (names.empty()) {
    bad_input(
        "{}: no weights: expected model.safetensors, pytorch_model.bin, an index of either, or "
        "one file *.safetensors, *.bin, *.pt, *.pth, *.ckpt or *.gguf",
        checkpoint.folder.string());
  }
  if (names.size() > 1) {
    bad_input(
        "{}: has several weight files, and none has the usual name: {}; name the one that is "
        "meant",
        checkpoint.folder.string(), listed(names));
  }
  return open_part(checkpoint, checkpoint.folder / names.front());
}

}  // namespace

Json read_config(const fs::path& path) {
  Json config = parse_json(with_named_floats(read_file(path, kMaxConfig)), path.string());
  JsonObject(config, path.string());  // refuses anything but an object
  return config;
}

std::optional<fs::path> find_gguf(const fs::path& path) {
  const auto checked = [](const fs::path& file) {
    return is_gguf(MappedFile::open(file)->bytes()) ? std::optional(file) : std::nullopt;
  };
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) return checked(path);
  if (!fs::is_directory(path, ignored)) return std::nullopt;
  const bool is_usual = std::ranges::any_of(kUsualNames, [&](const std::string& name) {
    return is_there(path / name) || is_there(path / (name + kIndex));
  });
  const auto names = is_usual ? std::vector<std::string>() : weight_files(path);
  return names.size() == 1 ? checked(path / names.front()) : std::nullopt;
}

Checkpoint open_tensors(const fs::path& path) {
  if (const auto gguf = find_gguf(path)) return open_gguf_checkpoint(*gguf);
  std::error_code ignored;
  const bool is_folder = fs::is_directory(path, ignored);
  if (!is_folder && !is_there(path)) {
    fail(ExitCode::kDisk,
         "{}: is not there; a checkpoint is a folder with {} and weights, or a weight file",
         path.string(), kConfig);
  }
  Checkpoint result;
  result.folder = is_folder ? path : path.has_parent_path() ? path.parent_path() : ".";
  result.tokenizer_path = result.folder;
  result.config_path = result.folder / kConfig;
  if (is_there(result.config_path)) {
    result.config = read_config(result.config_path);
    result.files.push_back(kConfig);
  }
  result.tensors = is_folder ? open_folder(result) : open_part(result, path);
  return result;
}

Checkpoint open_checkpoint(const fs::path& path) {
  Checkpoint result = open_tensors(path);
  if (result.config.is_null()) {
    bad_input("{}: no {}: the architecture is not known; 'ssmi inspect' lists the tensors",
              result.folder.string(), kConfig);
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
