#include "ssmi/io/activation_cache.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/core/hash.h"

namespace ssmi::io {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifest = "manifest.json";
constexpr const char* kTensors = "tensors.safetensors";
constexpr const char* kSchema = "ssmi/cache-entry/1";
constexpr uint64_t kMaxManifestBytes = 1 << 20;
constexpr size_t kKeyDigits = 64;
constexpr std::chrono::hours kLeftoverAge{1};  ///< no entry takes that long to write

/// "<key>" of an entry; "<key>.<anything>" of one that is being written or removed.
bool is_ours(const std::string& name) {
  const auto key = std::string_view(name).substr(0, kKeyDigits);
  return key.size() == kKeyDigits &&
         key.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         (name.size() == kKeyDigits || name[kKeyDigits] == '.');
}

/// The folders in `folder` that are ours. Others may remove them meanwhile.
std::vector<fs::path> own_folders(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code status;
  for (fs::directory_iterator entry(folder, status), end; !status && entry != end;
       entry.increment(status)) {
    if (is_ours(entry->path().filename().string())) found.push_back(entry->path());
  }
  return found;
}

bool is_entry(const fs::path& path) {
  return path.filename().string().size() == kKeyDigits;
}

/// A folder beside an entry's place that goes with the object.
class Scratch {
 public:
  explicit Scratch(const fs::path& entry)
      : path_(fmt::format("{}.{:08x}", entry.string(), std::random_device{}())) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Takes an entry away at once, whoever is reading it.
bool take_away(const fs::path& entry) {
  const Scratch gone(entry);
  std::error_code status;
  fs::rename(entry, gone.path(), status);
  return !status || !fs::exists(entry, status);
}

Json read_manifest(const fs::path& folder) {
  const std::string where = (folder / kManifest).string();
  Json manifest = parse_json(read_file(where, kMaxManifestBytes), where);
  if (!manifest.is_object()) bad_input("{}: expected an object", where);
  const JsonObject object(manifest, where);
  if (object.string("schema") != kSchema) bad_input("{}: is no manifest of an entry", where);
  if (!object.at("key").is_object()) bad_input("{}: 'key' is no object", where);
  object.string("checkpoint");
  return manifest;
}

TensorMap read_entry(const fs::path& folder, const Json& key) {
  const Json manifest = read_manifest(folder);
  const JsonObject object(manifest, (folder / kManifest).string());
  if (to_text(object.at("key")) != to_text(key)) bad_input("{}: is of another key", object.where());
  const auto file = MappedFile::open(folder / kTensors);
  if (sha256(file->bytes()) != object.string("sha256")) {
    bad_input("{}: its SHA-256 is not that of the manifest", file->path().string());
  }
  return open_safetensors(file).tensors;
}

}  // namespace

ActivationCache::ActivationCache(fs::path folder, uint64_t max_bytes, Json environment)
    : folder_(std::move(folder)), max_bytes_(max_bytes), environment_(std::move(environment)) {}

Json ActivationCache::whole(const Json& key) const {
  Json all = key;
  all["environment"] = environment_;
  return all;
}

std::optional<TensorMap> ActivationCache::find(const Json& key, Progress& progress) const {
  const Json all = whole(key);
  const fs::path entry = folder_ / sha256(to_text(all));
  std::error_code status;
  if (!fs::exists(entry, status)) return std::nullopt;
  try {
    TensorMap tensors = read_entry(entry, all);
    fs::last_write_time(entry / kManifest, fs::file_time_type::clock::now(), status);
    return tensors;
  } catch (const Error& error) {
    if (!fs::exists(entry, status)) return std::nullopt;  // removed by another process
    const bool damaged = error.code() == ExitCode::kBadInput ||
                         !fs::exists(entry / kManifest, status) ||
                         !fs::exists(entry / kTensors, status);
    progress.note(fmt::format("cache: an entry {}: {}",
                              damaged ? "is damaged and made again" : "cannot be read",
                              error.what()));
    if (damaged) take_away(entry);
    return std::nullopt;
  }
}

void ActivationCache::put(const Json& key, const std::string& checkpoint,
                          std::span<const TensorBytes> tensors, Progress& progress) {
  uint64_t bytes = 0;
  for (const TensorBytes& tensor : tensors)
    bytes += tensor.data.size();
  if (gave_up_ || bytes >= max_bytes_) return;
  try {
    store(whole(key), checkpoint, tensors);
    trim();
  } catch (const Error& error) {
    if (error.code() != ExitCode::kDisk && error.code() != ExitCode::kOutOfMemory) throw;
    gave_up_ = true;
    progress.note(fmt::format("cache: nothing more is kept: {}", error.what()));
  }
}

void ActivationCache::store(const Json& key, const std::string& checkpoint,
                            std::span<const TensorBytes> tensors) const {
  const fs::path entry = folder_ / sha256(to_text(key));
  const Scratch scratch(entry);
  make_folder(scratch.path());
  write_safetensors(scratch.path() / kTensors, tensors);
  const auto file = MappedFile::open(scratch.path() / kTensors);
  const Json manifest{{"schema", kSchema},
                      {"checkpoint", checkpoint},
                      {"key", key},
                      {"sha256", sha256(file->bytes())}};
  write_file(scratch.path() / kManifest, to_text(manifest, 1) + "\n");
  std::error_code status;
  fs::rename(scratch.path(), entry, status);
  if (!status) return;
  std::error_code ignored;
  if (fs::exists(entry, ignored)) return;  // another process was first, with the same
  fail(ExitCode::kDisk, "{}: cannot rename: {}", entry.string(), status.message());
}

void ActivationCache::trim() const {
  remove_leftovers(kLeftoverAge);
  const std::vector<Entry> kept = entries();
  uint64_t total = 0;
  for (const Entry& entry : kept)
    total += entry.bytes;
  for (const Entry& entry : kept) {
    if (total <= max_bytes_) return;
    if (remove(entry)) total -= entry.bytes;
  }
}

std::vector<ActivationCache::Entry> ActivationCache::entries() const {
  std::vector<Entry> all;
  for (const fs::path& path : own_folders(folder_)) {
    if (!is_entry(path)) continue;
    Entry entry{path, 0, {}};
    for (const char* name : {kTensors, kManifest}) {
      std::error_code status;
      const uint64_t bytes = fs::file_size(path / name, status);
      if (!status) entry.bytes += bytes;
    }
    std::error_code status;
    const auto last_used = fs::last_write_time(path / kManifest, status);
    entry.last_used = status ? fs::file_time_type::min() : last_used;
    if (fs::exists(path, status)) all.push_back(std::move(entry));
  }
  std::ranges::sort(all, {},
                    [](const Entry& entry) { return std::pair(entry.last_used, entry.folder); });
  return all;
}

Json ActivationCache::manifest(const Entry& entry) {
  return read_manifest(entry.folder);
}

bool ActivationCache::remove(const Entry& entry) {
  return take_away(entry.folder);
}

void ActivationCache::remove_leftovers(std::chrono::seconds age) const {
  const auto before = fs::file_time_type::clock::now() - age;
  for (const fs::path& path : own_folders(folder_)) {
    std::error_code status;
    if (is_entry(path)) continue;
    if (fs::last_write_time(path, status) <= before && !status) fs::remove_all(path, status);
  }
}

}  // namespace ssmi::io
