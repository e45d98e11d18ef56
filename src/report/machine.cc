#include "ssmi/report/machine.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <sched.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "ssmi/core/memory.h"
#include "ssmi/kernels/instruction_set.h"

namespace ssmi::report {
namespace {

/// The value of the first line of /proc/cpuinfo with that key.
std::string of_cpuinfo(const std::string& key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || !line.starts_with(key)) continue;
    const size_t value = line.find_first_not_of(" \t", colon + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return "";
}

/// Those that decide how fast a model runs.
std::vector<std::string> vector_features() {
  constexpr std::array kNames{"sse4_2",  "avx",         "f16c",        "fma",      "avx2",
                              "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd",
                              "sve",     "sve2",        "bf16"};
  const std::string flags = of_cpuinfo("flags");
  std::istringstream words(flags.empty() ? of_cpuinfo("Features") : flags);
  std::set<std::string> found;
  for (std::string word; words >> word;)
    found.insert(word);
  std::vector<std::string> features;
  std::ranges::copy_if(kNames, std::back_inserter(features),
                       [&](const char* name) { return found.contains(name); });
  return features;
}

/// Cores' worth of time that the control group allows; more than any machine has without a limit.
double group_limit() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 1e9;
  return std::strtod(quota.c_str(), nullptr) / period;
}

int64_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const bool known = ::sched_getaffinity(0, sizeof set, &set) == 0;
  const auto cores = known ? static_cast<int64_t>(CPU_COUNT(&set))
                           : static_cast<int64_t>(std::thread::hardware_concurrency());
  const auto allowed = static_cast<int64_t>(std::ceil(std::min(group_limit(), 1e9)));
  return std::max<int64_t>(1, std::min(cores, allowed));
}

/// How many threads take part in parallel work.
int64_t threads_at_work() {
  std::mutex mutex;
  std::set<std::thread::id> seen;
  at::parallel_for(0, at::get_num_threads(), 1, [&](int64_t, int64_t) {
    const std::scoped_lock lock(mutex);
    seen.insert(std::this_thread::get_id());
  });
  return static_cast<int64_t>(seen.size());
}

std::vector<std::string> cuda_devices() {
  std::vector<std::string> names;
  if (!at::globalContext().hasCUDA()) return names;
  for (int i = 0; i < at::detail::getCUDAHooks().deviceCount(); ++i)
    names.push_back(fmt::format("cuda:{}", i));
  return names;
}

/// Seconds of the fastest of five runs.
double fastest(const std::function<void()>& work) {
  double best = 1e9;
  for (int run = 0; run < 5; ++run) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    best = std::min(best, spent.count());
  }
  return best;
}

}  // namespace

Machine this_machine() {
  return {.cpu = of_cpuinfo("model name"),
          .features = vector_features(),
          .instruction_set = kernels::instruction_set(),
          .libtorch_capability = at::get_cpu_capability(),
          .libtorch = TORCH_VERSION,
          .blas = at::get_mkl_version(),
          .has_mkl = at::globalContext().hasMKL(),
          .has_onednn = at::globalContext().hasMKLDNN(),
          .cores = usable_cores(),
          .threads = at::get_num_threads(),
          .threads_seen = threads_at_work(),
          .memory = memory_limit(),
          .cuda_devices = cuda_devices(),
          .has_cuda = at::globalContext().hasCUDA()};
}

std::vector<std::string> slow_things(const Machine& machine) {
  std::vector<std::string> things;
  if (machine.threads != machine.cores) {
    things.push_back(
        fmt::format("{} threads on {} cores: unset OMP_NUM_THREADS and MKL_NUM_THREADS",
                    machine.threads, machine.cores));
  }
  if (machine.threads_seen < machine.threads) {
    things.push_back(
        fmt::format("parallel work ran on {} of {} threads: unset OMP_THREAD_LIMIT, or build ssmi "
                    "and LibTorch with OpenMP",
                    machine.threads_seen, machine.threads));
  }
  if (!machine.has_mkl && !machine.has_onednn) {
    things.emplace_back(
        "LibTorch has neither MKL nor oneDNN: take the PyTorch wheel (scripts/setup)");
  }
  if (machine.libtorch_capability == "DEFAULT" || machine.libtorch_capability == "NO AVX") {
    things.emplace_back(
        "LibTorch takes its plain kernels: unset ATEN_CPU_CAPABILITY, or run on a CPU with AVX2");
  }
  return things;
}

Speed measured_speed() {
  constexpr int64_t kSize = 1024, kBytes = int64_t{128} << 20;
  const at::Tensor a = at::rand({kSize, kSize}), b = at::rand({kSize, kSize});
  const double product = fastest([&] { at::mm(a, b); });
  const at::Tensor from = at::zeros({kBytes / 4}), to = at::zeros({kBytes / 4});
  const double copy = fastest([&] { to.copy_(from); });
  const double operations = 2.0 * kSize * kSize * kSize;
  return {.gflops = operations / product / 1e9, .gigabytes = 2.0 * kBytes / copy / 1e9};
}

}  // namespace ssmi::report
