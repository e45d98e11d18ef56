#pragma once

#include <cstdint>
#include <string_view>

namespace ssmi {

/// Where long work tells how far it is. The libraries never print: `cli` implements this.
class Progress {
 public:
  virtual ~Progress() = default;
  /// Starts a stage of `total` units ("functions", "fits").
  virtual void begin(std::string_view stage, std::string_view unit, uint64_t total) = 0;
  virtual void advance(uint64_t units) = 0;
  virtual void end() = 0;
  /// Units that were done before, by another process: they count as done, but not for the rate.
  virtual void skip(uint64_t units) { advance(units); }
  /// What else there is to say of the stage, until it is said anew.
  virtual void detail(std::string_view /*text*/) {}
  /// A line that stays: a warning, or what a stage is going to cost.
  virtual void note(std::string_view line) = 0;
};

/// Says nothing.
class NoProgress : public Progress {
 public:
  void begin(std::string_view, std::string_view, uint64_t) override {}
  void advance(uint64_t) override {}
  void end() override {}
  void note(std::string_view) override {}
};

/// Throws Error{kInterrupted} or Error{kTerminated} once a signal was noted; long loops call it
/// where they can stop without losing anything.
void check_interrupted();
/// Notes SIGINT and SIGTERM from now on instead of dying; a second one ends the process. For work
/// that calls check_interrupted() often.
void catch_signals();

}  // namespace ssmi
