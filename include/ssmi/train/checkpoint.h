#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "ssmi/core/file_lock.h"
#include "ssmi/core/json.h"
#include "ssmi/model/model.h"
#include "ssmi/text/tokenizer.h"
#include "ssmi/train/optimizer.h"

namespace ssmi::train {

/// A training run's folder. `step-00000500` in it is a checkpoint as every command opens it, made
/// after 500 steps; the newest also has the optimiser's state. A folder appears only when it is
/// complete.
class RunFolder {
 public:
  /// What tells the run from others: its configuration, tokenizer and data. Makes the folder where
  /// it is not there. Throws Error{kMismatch} where it holds checkpoints of another run, or where
  /// another process is at work.
  RunFolder(std::filesystem::path folder, const Json& run);

  /// The step of the newest checkpoint that has the optimiser's state; none in a new folder. Throws
  /// Error{kMismatch} where there are checkpoints, but none that has it.
  std::optional<int64_t> newest() const;
  /// Fills parameters and state from that checkpoint. Throws Error{kBadInput} where it is damaged.
  void restore(int64_t step, model::Model& model, AdamW& optimizer) const;
  /// Writes the next checkpoint with its tokenizer's files, then drops the state of those before
  /// it. Throws Error{kDisk}.
  void save(model::Model& model, const Json& config, const text::TextFiles& tokenizer,
            AdamW& optimizer) const;

  std::filesystem::path checkpoint(int64_t step) const;
  const std::filesystem::path& path() const { return folder_; }
  /// Threads of the process that began the run: another number gives other bytes.
  int64_t threads() const { return threads_; }

 private:
  std::filesystem::path folder_;
  std::optional<FileLock> lock_;
  int64_t threads_;
};

/// Whether the folder, which may not be there, holds a checkpoint.
bool has_checkpoint(const std::filesystem::path& run);

}  // namespace ssmi::train
