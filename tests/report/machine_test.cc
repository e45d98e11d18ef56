#include "ssmi/report/machine.h"

#include "support.h"

namespace ssmi::report {
namespace {

/// A machine on which nothing is slow.
Machine good() {
  return {.cpu = "a CPU",
          .features = {"avx2"},
          .instruction_set = "AVX2",
          .libtorch_capability = "AVX2",
          .libtorch = "2.13.0",
          .blas = "MKL",
          .has_mkl = true,
          .has_onednn = true,
          .cores = 4,
          .threads = 4,
          .threads_seen = 4,
          .memory = 1 << 30,
          .cuda_devices = {},
          .has_cuda = false};
}

using Things = std::vector<std::string>;

TEST_CASE("machine: nothing is slow where all is well") {
  CHECK(slow_things(good()).empty());
  Machine machine = good();
  machine.has_mkl = false;  // oneDNN has products too, so that ARM machines are well
  CHECK(slow_things(machine).empty());
  std::swap(machine.has_mkl, machine.has_onednn);
  CHECK(slow_things(machine).empty());
}

TEST_CASE("machine: each slow thing is named with the way out") {
  Machine machine = good();
  machine.threads = machine.threads_seen = 1;
  CHECK(slow_things(machine) ==
        Things{"1 threads on 4 cores: unset OMP_NUM_THREADS and MKL_NUM_THREADS"});
  machine.threads = machine.threads_seen = 8;
  CHECK(slow_things(machine) ==
        Things{"8 threads on 4 cores: unset OMP_NUM_THREADS and MKL_NUM_THREADS"});
  machine = good();
  machine.threads_seen = 1;
  CHECK(slow_things(machine) == Things{"parallel work ran on 1 of 4 threads: unset "
                                       "OMP_THREAD_LIMIT, or build ssmi and LibTorch with OpenMP"});
  machine = good();
  machine.has_mkl = machine.has_onednn = false;
  CHECK(slow_things(machine) ==
        Things{"LibTorch has neither MKL nor oneDNN: take the PyTorch wheel (scripts/setup)"});
  for (const char* capability : {"DEFAULT", "NO AVX"}) {
    machine = good();
    machine.libtorch_capability = capability;
    CHECK(slow_things(machine) == Things{"LibTorch takes its plain kernels: unset "
                                         "ATEN_CPU_CAPABILITY, or run on a CPU with AVX2"});
  }
}

TEST_CASE("machine: several things are all named") {
  Machine machine = good();
  machine.threads = 2;
  machine.threads_seen = 1;
  machine.has_mkl = machine.has_onednn = false;
  machine.libtorch_capability = "DEFAULT";
  CHECK(slow_things(machine).size() == 4);
}

TEST_CASE("machine: this one says what it is") {
  const Machine machine = this_machine();
  CHECK(machine.cores >= 1);
  CHECK(machine.threads >= 1);
  CHECK(machine.threads_seen >= 1);
  CHECK(machine.threads_seen <= machine.threads);
  CHECK(machine.memory > 1 << 20);
  CHECK_FALSE(machine.libtorch.empty());
  CHECK_FALSE(machine.libtorch_capability.empty());
}

}  // namespace
}  // namespace ssmi::report
