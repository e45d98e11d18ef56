#include "ssmi/report/run.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <torch/version.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <string>

#include "ssmi/core/file.h"
#include "ssmi/core/hash.h"
#include "ssmi/report/machine.h"

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

/// The variables that LibTorch and what it stands on read.
Json library_variables() {
  constexpr std::array kPrefixes{"ATEN_", "DNNL_", "KMP_", "MKL_", "OMP_", "ONEDNN_", "TORCH_"};
  std::set<std::string> found;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (std::ranges::any_of(kPrefixes, [&](const char* own) { return text.starts_with(own); }))
      found.emplace(text);
  }
  return found;
}

}  // namespace

Json pass_environment(const std::string& device) {
  const Machine machine = this_machine();
  Json environment = run_environment(device);
  environment["cpu"] = machine.cpu;
  environment["features"] = machine.features;
  environment["instruction_set"] = machine.instruction_set;
  environment["variables"] = library_variables();
  environment["program_sha256"] = sha256(MappedFile::open("/proc/self/exe")->bytes());
  return environment;
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
