#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ssmi/analysis/probe/suite.h"
#include "ssmi/core/file_lock.h"
#include "ssmi/core/json.h"

namespace ssmi::cli {

/// The rows of a report.
struct ProbeRows {
  Json results, trees;
};

/// Keeps the rows of a probe run in `<report>.partial`, a line a step as it is done, so that an
/// interrupted run can be resumed.
class ProbeResults : public probe::ResultSink {
 public:
  /// `run` says what decides the results. With `resume` the steps of a partial file with an equal
  /// `run` are taken over. Throws Error{kUsage} when there is a partial file and no `resume`,
  /// Error{kMismatch} when it was made by another run or is being written by one, Error{kBadInput}
  /// when it is not one, Error{kDisk} when the report could not be written.
  ProbeResults(const std::filesystem::path& report, const Json& run, bool resume);
  ProbeResults(const ProbeResults&) = delete;
  ProbeResults& operator=(const ProbeResults&) = delete;
  /// Leaves a partial file only where it holds steps.
  ~ProbeResults() override;

  bool has(const probe::Step& step) const override { return rows_.contains(step.key()); }
  void put(const probe::Step& step, const probe::StepResults& results) override;

  /// How many steps were taken over or made.
  size_t steps() const { return rows_.size(); }
  /// The rows of all steps.
  ProbeRows in_order(const std::vector<probe::Step>& steps) const;
  /// What `linear` said of the test pairs, of the checkpoints themselves.
  std::vector<probe::Answers> answers() const;
  /// Removes the partial file: the report is written.
  void discard_partial() const;

 private:
  void read_partial(const std::string& content);

  std::filesystem::path path_;
  Json run_;
  std::optional<FileLock> lock_;
  std::map<std::string, Json> rows_;  // by Step::key(); with answers, which the report leaves out
};

}  // namespace ssmi::cli
