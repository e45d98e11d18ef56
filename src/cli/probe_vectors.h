#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ssmi::cli {

/// `ssmi probe --vectors`.
struct VectorProbeOptions {
  std::string vectors, folder, out;
  std::vector<std::string> probes;
  uint64_t seed = 1;
  int threads = 0;
  bool controls = true, json = false, quiet = false;
};

void probe_vectors(const VectorProbeOptions& options);

}  // namespace ssmi::cli
