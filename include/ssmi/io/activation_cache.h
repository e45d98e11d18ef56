#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ssmi/core/json.h"
#include "ssmi/core/progress.h"
#include "ssmi/io/safetensors.h"

namespace ssmi::io {

/// Tensors that a model once gave, kept for whoever asks for the same. An entry is a folder, named
/// by the SHA-256 of everything that decides its bytes, with tensors.safetensors and manifest.json
/// (docs/cache.md). It appears and goes by a rename, so that any number of processes can use the
/// cache at once. Neither damage nor a disk that is full is an error: what is not there is made
/// again.
class ActivationCache {
 public:
  struct Entry {
    std::filesystem::path folder;
    uint64_t bytes = 0;
    std::filesystem::file_time_type last_used;
  };

  /// Keeps at most `max_bytes` in `folder`, which is made when it is needed. `environment` is a
  /// part of every key: what decides bytes whatever is asked.
  ActivationCache(std::filesystem::path folder, uint64_t max_bytes, Json environment = {});

  /// The tensors put under an equal key, mapped: they outlive their entry. Nothing where there are
  /// none, or where they are damaged, which is noted.
  std::optional<TensorMap> find(const Json& key, Progress& progress) const;
  /// Keeps tensors, and removes the least recently used entries where the bound is exceeded.
  /// `checkpoint` is a name for people. Where they cannot be written, that is noted once and
  /// nothing is kept from then on.
  void put(const Json& key, const std::string& checkpoint, std::span<const TensorBytes> tensors,
           Progress& progress);

  /// What is kept, least recently used first.
  std::vector<Entry> entries() const;
  /// What an entry's manifest says: its checkpoint, its key. Throws Error{kBadInput} or
  /// Error{kDisk} where it is damaged or gone.
  static Json manifest(const Entry& entry);
  /// Whether the entry is gone now.
  static bool remove(const Entry& entry);
  /// Removes what killed processes left half-written for at least so long.
  void remove_leftovers(std::chrono::seconds age) const;

  const std::filesystem::path& folder() const { return folder_; }
  uint64_t max_bytes() const { return max_bytes_; }

 private:
  Json whole(const Json& key) const;
  void store(const Json& key, const std::string& checkpoint,
             std::span<const TensorBytes> tensors) const;
  void trim() const;

  std::filesystem::path folder_;
  uint64_t max_bytes_;
  Json environment_;
  bool gave_up_ = false;
};

}  // namespace ssmi::io
