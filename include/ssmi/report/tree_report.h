#pragma once

#include <string>

#include "ssmi/analysis/probe/trees.h"
#include "ssmi/core/json.h"

namespace ssmi::report {

/// One entry of `trees` in a probe report (configs/schemas/probe.json).
Json tree_row(const probe::TreeResult& result);

/// Those rows as tables for a terminal, one for each checkpoint and probe.
std::string tree_tables(const Json& rows);

}  // namespace ssmi::report
