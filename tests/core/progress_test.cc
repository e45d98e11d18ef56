#include "ssmi/core/progress.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "support.h"

namespace ssmi {
namespace {

/// What a process that caught `signals` ends with: the code of the Error that check_interrupted()
/// throws, 0 for none, 128 + the signal where it died of one.
int end_after(std::initializer_list<int> signals) {
  const pid_t child = ::fork();
  if (child == 0) {
    catch_signals();
    for (const int signal : signals)
      std::raise(signal);
    try {
      check_interrupted();
      ::_exit(0);
    } catch (const Error& error) {
      ::_exit(static_cast<int>(error.code()));
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

TEST_CASE("signals: the first is noted, a second ends the process") {
  CHECK(end_after({}) == 0);
  CHECK(end_after({SIGINT}) == 130);
  CHECK(end_after({SIGTERM}) == 143);
  CHECK(end_after({SIGTERM, SIGTERM}) == 128 + SIGTERM);
}

}  // namespace
}  // namespace ssmi
