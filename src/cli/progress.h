#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "ssmi/core/progress.h"

namespace ssmi::cli {

/// Progress on stderr with rate and time left: a line that rewrites itself on a terminal, a plain
/// line every ten seconds otherwise, also while nothing advances. May be advanced from several
/// threads.
class StderrProgress : public Progress {
 public:
  explicit StderrProgress(bool quiet);
  ~StderrProgress() override;

  void begin(std::string_view stage, std::string_view unit, uint64_t total) override;
  void advance(uint64_t units) override;
  void end() override;
  void skip(uint64_t units) override;
  void detail(std::string_view text) override;
  void note(std::string_view line) override;

 private:
  using Clock = std::chrono::steady_clock;
  std::string line() const;
  void draw();
  void clear_line();
  void run_clock(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  const bool terminal_;
  bool drawn_ = false;
  std::string stage_, unit_, detail_;
  uint64_t total_ = 0, done_ = 0, skipped_ = 0;
  Clock::time_point started_;
  const bool quiet_;
  std::jthread clock_;  // last: it uses all of the above
};

}  // namespace ssmi::cli
