#pragma once

#include <string>
#include <vector>

#include "ssmi/analysis/probe/compare.h"
#include "ssmi/core/json.h"

namespace ssmi::report {

/// `relations` of a probe report.
Json relations_json(const std::vector<probe::RelationAccuracy>& relations);

/// For a terminal: of each block that `summary` chose, the relations it is most and least often
/// right about, and the pairs in `rows` that it is most confidently wrong about, in their code.
std::string probe_details(const Json& summary, const Json& rows,
                          const std::vector<probe::RelationAccuracy>& relations);

}  // namespace ssmi::report
