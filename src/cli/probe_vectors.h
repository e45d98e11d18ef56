#pragma once

#include "probe_options.h"

namespace ssmi::cli {

/// `ssmi probe --vectors`.
void probe_vectors(const ProbeOptions& options);

}  // namespace ssmi::cli
