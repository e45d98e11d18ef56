#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace ssmi::cli {
namespace {

std::string clock_text(double seconds) {
  const int64_t whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

}  // namespace

StderrProgress::StderrProgress(bool quiet)
    : terminal_(::isatty(STDERR_FILENO) == 1), quiet_(quiet) {
  if (!quiet_) clock_ = std::jthread([this](const std::stop_token& stop) { run_clock(stop); });
}

StderrProgress::~StderrProgress() {
  if (clock_.joinable()) {
    clock_.request_stop();
    clock_.join();
  }
  clear_line();
}

void StderrProgress::run_clock(const std::stop_token& stop) {
  const auto period = terminal_ ? std::chrono::milliseconds(200) : std::chrono::seconds(10);
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, stop, period, [&] { return stop.stop_requested(); })) {
    if (total_ > 0) draw();
  }
}

void StderrProgress::begin(std::string_view stage, std::string_view unit, uint64_t total) {
  const std::lock_guard lock(mutex_);
  stage_ = stage;
  unit_ = unit;
  total_ = total;
  done_ = skipped_ = 0;
  detail_.clear();
  started_ = Clock::now();
}

void StderrProgress::advance(uint64_t units) {
  const std::lock_guard lock(mutex_);
  done_ += units;
}

void StderrProgress::skip(uint64_t units) {
  const std::lock_guard lock(mutex_);
  done_ += units;
  skipped_ += units;
}

void StderrProgress::detail(std::string_view text) {
  const std::lock_guard lock(mutex_);
  detail_ = text;
}

void StderrProgress::draw() {
  const std::string text = line();
  std::fprintf(stderr, terminal_ ? "\r\x1b[K%s" : "%s\n", text.c_str());
  std::fflush(stderr);
  drawn_ = terminal_;
}

void StderrProgress::end() {
  const std::lock_guard lock(mutex_);
  total_ = 0;
  clear_line();
}

void StderrProgress::note(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (quiet_) return;
  clear_line();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

std::string StderrProgress::line() const {
  const std::chrono::duration<double> elapsed = Clock::now() - started_;
  const double rate = static_cast<double>(done_ - skipped_) / std::max(elapsed.count(), 1e-9);
  std::string text = fmt::format("{}: {}/{} {}", stage_, done_, total_, unit_);
  if (done_ == skipped_) return text;
  const double left = static_cast<double>(total_ - std::min(done_, total_)) / rate;
  text += fmt::format(" ({:.1f}/s, {} left)", rate, clock_text(left));
  return detail_.empty() ? text : text + ", " + detail_;
}

void StderrProgress::clear_line() {
  if (drawn_) std::fprintf(stderr, "\r\x1b[K");
  drawn_ = false;
}

}  // namespace ssmi::cli
