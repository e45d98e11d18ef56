#include "device.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <charconv>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::cli {
namespace {

/// The number after "cuda:", or 0.
int index_of(const std::string& name) {
  constexpr std::string_view kWord = "cuda";
  if (name == kWord) return 0;
  int index = -1;
  if (name.starts_with("cuda:")) {
    const char* end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data() + kWord.size() + 1, end, index);
    if (error != std::errc() || rest != end) index = -1;
  }
  if (index < 0 || index > 127) {
    fail(ExitCode::kUsage, "--device: expected cpu, cuda or cuda:<number>, found '{}'",
         excerpt(name));
  }
  return index;
}

}  // namespace

at::Device device_named(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  const int index = index_of(name);
  if (!at::globalContext().hasCUDA()) {
    fail(ExitCode::kMismatch,
         "--device {}: this ssmi was built with a LibTorch without CUDA, or its driver is missing; "
         "build it with CMAKE_PREFIX_PATH naming a CUDA build of LibTorch (docs/doctor.md)",
         name);
  }
  const int count = at::detail::getCUDAHooks().deviceCount();
  if (index >= count) {
    fail(ExitCode::kMismatch, "--device {}: there are {} CUDA devices, counted from 0", name,
         count);
  }
  return {at::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

void add_device(CLI::App& command, std::string& name) {
  command.add_option("--device", name, "Where the model runs: cpu, cuda or cuda:<number>")
      ->capture_default_str();
}

}  // namespace ssmi::cli
