#pragma once

#include <string>
#include <utility>
#include <vector>

#include "io/raw_pickle.h"
#include "io/raw_zip.h"

namespace ssmi::test {

using Storages = std::vector<std::pair<std::string, std::string>>;  // key, bytes

/// The records of torch.save's archive of this pickle.
inline std::vector<RawRecord> torch_records(const std::string& pickle, const Storages& storages) {
  std::vector<RawRecord> records{{.name = "m/data.pkl", .data = pickle},
                                 {.name = "m/byteorder", .data = "little"}};
  for (const auto& [key, bytes] : storages)
    records.push_back({.name = "m/data/" + key, .data = bytes});
  return records;
}

/// A file as torch.save writes it: the archive of this value.
inline std::string torch_zip(const std::string& value, const Storages& storages) {
  return raw_zip(torch_records(pickle::pickled(value), storages), {.zip64 = true});
}

/// The parts of a file in torch.save's format before 1.6.
struct RawLegacy {
  std::string value;
  std::vector<std::string> keys;
  std::string storages;  // of each an int64 count of elements and their bytes
  std::string version = pickle::integer(1001);
  std::string machine = pickle::dict({{pickle::text("protocol_version"), pickle::integer(1001)},
                                      {pickle::text("little_endian"), pickle::boolean(true)}});
};

inline std::string torch_legacy(const RawLegacy& file) {
  std::vector<std::string> keys;
  for (const std::string& key : file.keys)
    keys.push_back(pickle::text(key));
  const std::string magic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  return pickle::pickled(magic) + pickle::pickled(file.version) + pickle::pickled(file.machine) +
         pickle::pickled(file.value) + pickle::pickled(pickle::list(keys)) + file.storages;
}

}  // namespace ssmi::test
