#pragma once

#include <string>

#include "ssmi/core/json.h"
#include "ssmi/task/metrics.h"

namespace ssmi::report {

/// {value, low, high, count, baseline}, null for what does not exist; with `against` {value,
/// difference, low, high} where the metric has that.
Json metric(const task::Metric& metric);

/// Metrics by name as a table for people.
std::string metric_table(const Json& metrics);

}  // namespace ssmi::report
