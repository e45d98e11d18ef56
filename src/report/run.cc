#include "ssmi/report/run.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <torch/version.h>

#include <fstream>
#include <string>

namespace ssmi::report {

Json run_environment(const std::string& device) {
  return {{"version", SSMI_VERSION},
          {"libtorch", TORCH_VERSION},
          {"threads", at::get_num_threads()},
          {"device", device},
          {"dtype", "float32"},
          {"cpu_capability", at::get_cpu_capability()},
          {"blas", at::get_mkl_version()}};
}

namespace {

/// The arguments of this process.
Json command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  Json arguments = Json::array();
  for (std::string argument; std::getline(file, argument, '\0');)
    arguments.push_back(argument);
  return arguments;
}

}  // namespace

Timing::Timing()
    : started_(std::chrono::system_clock::now()), began_(std::chrono::steady_clock::now()) {}

Json Timing::json() const {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began_;
  const auto started = std::chrono::time_point_cast<std::chrono::seconds>(started_);
  return {{"started", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(started))},
          {"wall_seconds", wall.count()},
          {"peak_memory_bytes", static_cast<int64_t>(usage.ru_maxrss) * 1024},
          {"command_line", command_line()}};
}

}  // namespace ssmi::report
