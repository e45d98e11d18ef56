#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "ssmi/core/json.h"

namespace ssmi::report {

/// null for nothing.
template <typename T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

/// What tables call a layer.
inline std::string layer_name(int64_t layer) {
  return layer == 0 ? "embedding" : std::to_string(layer);
}

/// The values of a key in rows, in the order they come first, null left out.
inline std::vector<std::string> distinct(const Json& rows, const char* key) {
  std::vector<std::string> values;
  for (const Json& row : rows) {
    if (row[key].is_null()) continue;
    const auto value = row[key].get<std::string>();
    if (std::ranges::find(values, value) == values.end()) values.push_back(value);
  }
  return values;
}

}  // namespace ssmi::report
