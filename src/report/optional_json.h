#pragma once

#include <optional>

#include "ssmi/core/json.h"

namespace ssmi::report {

/// null for nothing.
template <typename T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace ssmi::report
