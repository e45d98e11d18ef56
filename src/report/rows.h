#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "ssmi/core/json.h"

namespace ssmi::report {

/// null for nothing.
template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}
inline Json or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}
inline Json or_null(const std::string& value) {
  return value.empty() ? Json(nullptr) : Json(value);
}

/// "texts and gap" for the name "texts_and_gap".
inline std::string words(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
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
