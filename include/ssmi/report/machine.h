#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ssmi::report {

/// What this process runs on and with.
struct Machine {
  std::string cpu;                    ///< the model's name; empty where the system does not say
  std::vector<std::string> features;  ///< vector instructions it has, as /proc/cpuinfo names them
  std::string instruction_set;        ///< that the fused kernels were chosen for
  std::string libtorch_capability;    ///< that LibTorch's kernels were chosen for
  std::string libtorch, blas;         ///< versions
  bool has_mkl, has_onednn;
  int64_t cores;         ///< that this process may use: affinity and control group
  int64_t threads;       ///< that parallel work is divided among
  int64_t threads_seen;  ///< that took part in it
  uint64_t memory;       ///< bytes it may come to use
  std::vector<std::string> cuda_devices;
  bool has_cuda;  ///< whether LibTorch was built with it
};

Machine this_machine();

/// What is slow on a machine, each with the way out; nothing where all is well.
std::vector<std::string> slow_things(const Machine& machine);

/// Best of a few short runs on all threads, a third of a second in all.
struct Speed {
  double gflops;     ///< float32 matrix product of 1024 by 1024, 10^9 operations a second
  double gigabytes;  ///< copy of 128 MiB, 10^9 bytes read and written a second
};
Speed measured_speed();

}  // namespace ssmi::report
