#include "user_cache.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::cli {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kDefaultBytes = 8'000'000'000;

/// A variable of the environment; empty where it is not set.
std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

fs::path cache_folder() {
  if (const auto own = variable("SSMI_CACHE"); !own.empty()) return own;
  // Its specification has relative paths ignored.
  if (const fs::path caches = variable("XDG_CACHE_HOME"); caches.is_absolute())
    return caches / "ssmi";
  if (const auto home = variable("HOME"); !home.empty()) return fs::path(home) / ".cache/ssmi";
  return {};
}

uint64_t cache_bytes() {
  const auto text = variable("SSMI_CACHE_BYTES");
  if (text.empty()) return kDefaultBytes;
  uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc() || end != text.data() + text.size()) {
    fail(ExitCode::kUsage, "SSMI_CACHE_BYTES: expected a whole number of bytes, found '{}'",
         excerpt(text));
  }
  return bytes;
}

}  // namespace

std::optional<io::ActivationCache> user_cache(const Json& environment) {
  const fs::path folder = cache_folder();
  const uint64_t bytes = cache_bytes();
  if (folder.empty()) return std::nullopt;
  return io::ActivationCache(folder, bytes, environment);
}

}  // namespace ssmi::cli
