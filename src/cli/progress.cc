#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace ssmi::cli {
namespace {

double seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

}  // namespace

StderrProgress::StderrProgress(bool quiet)
    : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1) {}

StderrProgress::~StderrProgress() {
  clear_line();
}

void StderrProgress::begin(std::string_view stage, std::string_view unit, uint64_t total) {
  const std::lock_guard lock(mutex_);
  stage_ = stage;
  unit_ = unit;
  total_ = total;
  done_ = 0;
  started_ = shown_ = Clock::now();
}

void StderrProgress::advance(uint64_t units) {
  const std::lock_guard lock(mutex_);
  done_ += units;
  const auto now = Clock::now();
  const double since = seconds(now - shown_);
  if (quiet_ || since < (terminal_ ? 0.1 : 10.0)) return;
  shown_ = now;
  if (terminal_) {
    std::fprintf(stderr, "\r\x1b[K%s", line().c_str());
    drawn_ = true;
  } else {
    std::fprintf(stderr, "%s\n", line().c_str());
  }
  std::fflush(stderr);
}

void StderrProgress::end() {
  const std::lock_guard lock(mutex_);
  clear_line();
}

void StderrProgress::note(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (quiet_) return;
  clear_line();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

std::string StderrProgress::line() const {
  const double elapsed = seconds(Clock::now() - started_);
  const double rate = static_cast<double>(done_) / std::max(elapsed, 1e-9);
  const double left = static_cast<double>(total_ - std::min(done_, total_)) / std::max(rate, 1e-9);
  return fmt::format("{}: {}/{} {} ({:.1f}/s, {} left)", stage_, done_, total_, unit_, rate,
                     clock_text(left));
}

void StderrProgress::clear_line() {
  if (drawn_) std::fprintf(stderr, "\r\x1b[K");
  drawn_ = false;
}

}  // namespace ssmi::cli
