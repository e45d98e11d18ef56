#include "ssmi/core/progress.h"

#include <csignal>

#include "ssmi/core/error.h"

namespace ssmi {
namespace {

volatile std::sig_atomic_t caught_signal = 0;

extern "C" void note_signal(int signal) {
  caught_signal = signal;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void check_interrupted() {
  if (caught_signal == SIGINT) fail(ExitCode::kInterrupted, "interrupted");
  if (caught_signal == SIGTERM) fail(ExitCode::kTerminated, "terminated");
}

void catch_signals() {
  std::signal(SIGINT, note_signal);
  std::signal(SIGTERM, note_signal);
}

}  // namespace ssmi
