#include "ssmi/io/pytorch.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "conversion.h"
#include "pickle.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "state_dict.h"
#include "zip.h"

namespace ssmi::io {
namespace {

using Bytes = std::span<const std::byte>;

// LONG1 of 10 bytes, 0x1950a86a20f9469cfc6c, STOP: torch.serialization.MAGIC_NUMBER.
constexpr std::string_view kMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
constexpr int64_t kLegacyVersion = 1001;

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_zip(Bytes bytes) {
  return as_text(bytes).starts_with("PK\x03\x04");
}

/// Where the first pickle of a legacy file, its magic number, ends; 0 where it does not begin so.
/// It stands after PROTO alone or, from protocol 4 on, after a FRAME too.
size_t end_of_magic(Bytes bytes) {
  for (const size_t at : {size_t{2}, size_t{11}}) {
    if (bytes.size() > at && bytes[0] == std::byte{0x80} &&
        as_text(bytes.subspan(at)).starts_with(kMagic)) {
      return at + kMagic.size();
    }
  }
  return 0;
}

bool is_tar(Bytes bytes) {
  return bytes.size() > 512 && as_text(bytes.subspan(257)).starts_with("ustar");
}

/// The name before the first '/', which torch.save puts before every record.
std::string root_of(const ZipRecords& records, const std::string& where) {
  std::string root;
  for (const auto& [name, bytes] : records) {
    const auto slash = name.find('/');
    if (slash == name.npos || name.substr(slash) != "/data.pkl") continue;
    if (!root.empty()) bad_input("{}: holds two data.pkl, expected one", where);
    root = name.substr(0, slash + 1);
  }
  if (root.empty()) {
    bad_input("{}: is a zip archive without data.pkl, expected what torch.save writes", where);
  }
  return root;
}

void refuse_torchscript(const ZipRecords& records, const std::string& root,
                        const std::string& where) {
  const auto code = records.lower_bound(root + "code/");
  const bool has_code = code != records.end() && code->first.starts_with(root + "code/");
  if (!has_code && !records.contains(root + "constants.pkl")) return;
  bad_input("{}: is a TorchScript program, expected a state dict; {}", where,
            conversion_of_torchscript(where));
}

/// A record of the archive under `root`; nothing when there is none.
std::optional<Bytes> record(const ZipRecords& records, const std::string& name,
                            const std::string& where) {
  const auto found = records.find(name);
  if (found == records.end()) return std::nullopt;
  if (found->second.compressed) {
    bad_input("{}: record '{}' is compressed, torch.save stores records as they are", where,
              excerpt(name));
  }
  return found->second.stored;
}

void check_byte_order(const ZipRecords& records, const std::string& root,
                      const std::string& where) {
  const auto order = record(records, root + "byteorder", where);
  if (!order || as_text(*order) == "little") return;
  bad_input(
      "{}: was written in byte order '{}', expected 'little'; save it again on a little-endian "
      "machine",
      where, excerpt(as_text(*order)));
}

WeightFile open_zip(const std::shared_ptr<const MappedFile>& file) {
  const std::string where = file->path().string();
  const ZipRecords records = read_zip(file->bytes(), where);
  const std::string root = root_of(records, where);
  refuse_torchscript(records, root, where);
  check_byte_order(records, root, where);
  const Bytes pickled = *record(records, root + "data.pkl", where);
  const Pickle pickle = read_pickle(pickled, where);
  if (pickle.size != pickled.size()) {
    bad_input("{}: {} bytes follow the pickle in data.pkl", where, pickled.size() - pickle.size);
  }
  const auto bytes_of = [&](const PickleStorage& storage) {
    const auto found = record(records, root + "data/" + std::string(storage.key), where);
    if (!found) {
      bad_input("{}: storage '{}' is missing from the archive", where, excerpt(storage.key));
    }
    if (found->size() != storage_size(storage, where)) {
      bad_input("{}: storage '{}' should have {} bytes, its record has {}", where,
                excerpt(storage.key), storage_size(storage, where), found->size());
    }
    return *found;
  };
  return read_state_dict(pickle, bytes_of, file);
}

/// The format before PyTorch 1.6: pickles of the magic number, the version, the machine, the
/// object and the keys of its storages; then each storage as a count of elements and their bytes.
class Legacy {
 public:
  explicit Legacy(const std::shared_ptr<const MappedFile>& file)
      : file_(file), where_(file->path().string()), rest_(file->bytes()) {}

  WeightFile read();

 private:
  Pickle next_pickle() {
    Pickle pickle = read_pickle(rest_, where_);
    rest_ = rest_.subspan(pickle.size);
    return pickle;
  }
  void check_version();
  void check_machine();
  void note_storages(const Pickle& pickle);
  void find_storage(std::string_view key);

  const std::shared_ptr<const MappedFile>& file_;
  std::string where_;
  Bytes rest_;
  std::map<std::string_view, PickleStorage> expected_;
  std::map<std::string_view, Bytes> found_;
};

void Legacy::check_version() {
  const Pickle pickle = next_pickle();
  const auto* version = std::get_if<int64_t>(&pickle.at(pickle.root));
  if (version == nullptr || *version != kLegacyVersion) {
    bad_input("{}: has another version than {} of torch.save's old format", where_, kLegacyVersion);
  }
}

void Legacy::check_machine() {
  const Pickle pickle = next_pickle();
  const auto* machine = std::get_if<PickleDict>(&pickle.at(pickle.root));
  for (size_t i = 0; machine != nullptr && i + 1 < machine->items.size(); i += 2) {
    const auto* key = std::get_if<std::string_view>(&pickle.at(machine->items[i]));
    const auto* value = std::get_if<bool>(&pickle.at(machine->items[i + 1]));
    if (key != nullptr && *key == "little_endian" && value != nullptr && *value) return;
  }
  bad_input("{}: was not written on a little-endian machine; save it again on one", where_);
}

/// Every storage the object's tensors name, which must not contradict each other.
void Legacy::note_storages(const Pickle& pickle) {
  for (const PickleValue& value : pickle.values) {
    const auto* storage = std::get_if<std::shared_ptr<const PickleStorage>>(&value);
    if (storage == nullptr) continue;
    const auto [known, is_new] = expected_.emplace((*storage)->key, **storage);
    if (!is_new &&
        (known->second.numel != (*storage)->numel || known->second.dtype != (*storage)->dtype)) {
      bad_input("{}: storage '{}' is described in two ways", where_, excerpt((*storage)->key));
    }
  }
}

void Legacy::find_storage(std::string_view key) {
  const auto expected = expected_.find(key);
  if (expected == expected_.end() || found_.contains(key)) {
    bad_input("{}: storage '{}' is listed twice or belongs to no tensor", where_, excerpt(key));
  }
  const uint64_t size = storage_size(expected->second, where_);
  int64_t numel = 0;
  if (rest_.size() < sizeof numel || rest_.size() - sizeof numel < size) {
    bad_input("{}: is cut short: storage '{}' should have {} bytes", where_, excerpt(key), size);
  }
  std::memcpy(&numel, rest_.data(), sizeof numel);
  if (numel != expected->second.numel) {
    bad_input("{}: storage '{}' should have {} elements, has {}", where_, excerpt(key),
              expected->second.numel, numel);
  }
  found_[key] = rest_.subspan(sizeof numel, static_cast<size_t>(size));
  rest_ = rest_.subspan(sizeof numel + static_cast<size_t>(size));
}

WeightFile Legacy::read() {
  rest_ = rest_.subspan(end_of_magic(rest_));
  check_version();
  check_machine();
  const Pickle object = next_pickle();
  note_storages(object);
  const Pickle keys = next_pickle();
  const auto* list = std::get_if<PickleList>(&keys.at(keys.root));
  if (list == nullptr) bad_input("{}: has no list of storages", where_);
  for (const PickleRef ref : list->items) {
    const auto* key = std::get_if<std::string_view>(&keys.at(ref));
    if (key == nullptr) bad_input("{}: has a storage whose key is no text", where_);
    find_storage(*key);
  }
  if (!rest_.empty()) bad_input("{}: the last {} bytes belong to no storage", where_, rest_.size());
  const auto bytes_of = [&](const PickleStorage& storage) {
    const auto found = found_.find(storage.key);
    if (found == found_.end()) {
      bad_input("{}: storage '{}' is missing from the file", where_, excerpt(storage.key));
    }
    return found->second;
  };
  return read_state_dict(object, bytes_of, file_);
}

}  // namespace

bool is_pytorch(const MappedFile& file) {
  return is_zip(file.bytes()) || end_of_magic(file.bytes()) > 0 || is_tar(file.bytes());
}

WeightFile open_pytorch(const std::shared_ptr<const MappedFile>& file) {
  if (is_zip(file->bytes())) return open_zip(file);
  if (is_tar(file->bytes())) {
    bad_input(
        "{}: is a tar archive, as PyTorch before 0.4 wrote; load it and save it again with a "
        "PyTorch of today",
        file->path().string());
  }
  return Legacy(file).read();
}

}  // namespace ssmi::io
