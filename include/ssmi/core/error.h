#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace ssmi {

/// Exit codes of the `ssmi` binary. Every Error carries the one it ends in.
enum class ExitCode {
  kDone = 0,
  kCheckFailed = 1,    ///< a check the user asked for did not hold
  kUsage = 2,          ///< unknown option, bad value
  kBadInput = 3,       ///< a file or checkpoint breaks its format
  kMismatch = 4,       ///< model and request do not fit
  kOutOfMemory = 5,    ///< an allocation failed
  kDisk = 6,           ///< a file cannot be read or written
  kBug = 70,           ///< a fault of ours
  kInterrupted = 130,  ///< SIGINT
  kTerminated = 143,   ///< SIGTERM
};

/// Whatever a file, a flag or a user can cause. The message names the file, the thing, what was
/// expected, what was found and the way out; lower case, without a full stop.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// Throws Error with a formatted message.
template <typename... Args>
[[noreturn]] void fail(ExitCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws Error{kBadInput}: the common case of a file that breaks its format.
template <typename... Args>
[[noreturn]] void bad_input(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ExitCode::kBadInput, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace ssmi
