#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "ssmi/core/error.h"

namespace ssmi::test {

/// A fresh folder, removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "ssmi-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The project's own share/ folder.
inline std::filesystem::path share() {
  return std::filesystem::path(SSMI_SOURCE_DIR) / "share";
}

/// The folder of optional test inputs; nothing, with a message, where SSMI_SHARED is not set.
inline std::optional<std::filesystem::path> shared() {
  const char* value = std::getenv("SSMI_SHARED");
  if (value == nullptr || *value == '\0') {
    MESSAGE("skipped: SSMI_SHARED is not set");
    return std::nullopt;
  }
  return value;
}

/// Runs `action` and gives the Error it throws; fails the test when it throws none.
template <typename Action>
Error error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  FAIL("expected an ssmi::Error");
  return Error(ExitCode::kDone, "");
}

/// Whether the Error thrown by `action` has this code and its message contains this text.
template <typename Action>
void check_fails(ExitCode code, const std::string& text, Action&& action) {
  const Error error = error_of(action);
  CHECK_MESSAGE(error.code() == code, std::string(error.what()));
  CHECK_MESSAGE(std::string(error.what()).find(text) != std::string::npos,
                "expected '" << text << "' in: " << std::string(error.what()));
}

}  // namespace ssmi::test
