#pragma once

#include <chrono>
#include <string>

#include "ssmi/core/json.h"

namespace ssmi::report {

/// What a run was made with, so far as it can change its numbers: version, threads, device, dtype,
/// CPU capability, linear algebra library. Callers add config, seed and hashes.
Json run_environment(const std::string& device = "cpu");

/// The same with all else that can change a bit of a pass on the CPU: the processor, this very
/// program, and the variables that its libraries read. For keys, not for reports.
/// Throws Error{kDisk} where the program's file cannot be read.
Json pass_environment(const std::string& device);

/// What may differ between equal runs: the only such object of a report.
class Timing {
 public:
  Timing();
  /// Start, wall time (seconds), peak memory (bytes) and the command line.
  Json json() const;

 private:
  std::chrono::system_clock::time_point started_;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace ssmi::report
