#pragma once

#include <string>
#include <vector>

#include "ssmi/analysis/probe/suite.h"
#include "ssmi/core/json.h"

namespace ssmi::report {

/// One entry of `results` in a probe report (configs/schemas/probe.json).
Json probe_row(const probe::Result& result);

/// Writes into the rows of checkpoints how much better `linear` is than on the control task.
void add_selectivity(Json& rows);

/// `data` of a probe report.
Json probe_data(const probe::SuiteData& data);

/// For each checkpoint and task the first draw's row of the probe::best_block() of `linear`, and
/// what it is to be held against: the texts alone and, each at its own best block, the random
/// twins. Empty without linear results for a block.
Json probe_summary(const Json& rows);

/// The summary in one sentence.
std::string probe_sentence(const Json& summary);

/// How many functions were probed and how many left out, by reason, in one line.
std::string probe_functions(const Json& data);

/// The results as tables for a terminal, a checkpoint and task each.
std::string probe_tables(const Json& rows);

/// The results on vectors without functions; `data` as in configs/schemas/probe-vectors.json.
std::string vector_table(const Json& data, const Json& rows);

}  // namespace ssmi::report
