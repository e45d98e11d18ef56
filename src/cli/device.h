#pragma once

#include <ATen/core/Tensor.h>

#include <CLI/CLI.hpp>
#include <string>

namespace ssmi::cli {

/// Adds --device.
void add_device(CLI::App& command, std::string& name);

/// "cpu", "cuda" or "cuda:<number>". Throws Error{kUsage} for any other name, Error{kMismatch}
/// where LibTorch has no CUDA or there is no such device.
at::Device device_named(const std::string& name);

}  // namespace ssmi::cli
