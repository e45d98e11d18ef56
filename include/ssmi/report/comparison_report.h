#pragma once

#include <string>
#include <vector>

#include "ssmi/analysis/probe/compare.h"
#include "ssmi/core/json.h"

namespace ssmi::report {

/// `comparisons` of a probe report (configs/schemas/probe.json).
Json comparisons_json(const std::vector<probe::Comparison>& comparisons);

/// The same for a terminal: the chosen blocks, and the relations that changed.
std::string comparison_tables(const std::vector<probe::Comparison>& comparisons);

}  // namespace ssmi::report
