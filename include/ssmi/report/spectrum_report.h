#pragma once

#include <string>
#include <vector>

#include "ssmi/analysis/spectrum/study.h"
#include "ssmi/core/json.h"

namespace ssmi::report {

/// The findings of a spectrum report: the keys kernels, layers, selective, comparisons, summary
/// (configs/schemas/spectrum.json).
Json spectrum_results(const spectrum::Study& study, const spectrum::Options& options);

/// What changed, in sentences that say how much energy a change carries: the report's summary.
std::vector<std::string> spectrum_sentences(const spectrum::Study& study);

/// A table a checkpoint for a terminal, each line with a sparkline of the magnitude response.
std::string spectrum_tables(const spectrum::Study& study, const spectrum::Options& options);

}  // namespace ssmi::report
