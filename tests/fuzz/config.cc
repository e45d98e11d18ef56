#include "fuzz/input.h"
#include "ssmi/core/file.h"
#include "ssmi/core/json.h"

/// A config.json, asked for as architectures ask.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ssmi;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  return fuzz::taken_or_refused([&] {
    const Json config = parse_json(text, "config.json");
    const JsonObject object(config, "config.json");
    for (const auto& item : config.items()) {
      const std::string& key = item.key();
      fuzz::taken_or_refused([&] { object.string(key); });
      fuzz::taken_or_refused([&] { object.boolean(key); });
      fuzz::taken_or_refused([&] { object.number(key); });
      fuzz::taken_or_refused([&] { object.integer(key, -3, 1'000'000); });
      fuzz::taken_or_refused([&] { object.integers(key, 0, INT64_MAX); });
    }
    if (to_text(config).empty()) std::abort();
  });
}
