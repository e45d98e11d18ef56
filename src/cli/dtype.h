#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "ssmi/io/dtype.h"

namespace ssmi::cli {

/// Adds --dtype: how weights are written.
void add_dtype(CLI::App& command, std::string& name);

/// "float32", "float16" or "bfloat16".
io::Dtype dtype_named(const std::string& name);

}  // namespace ssmi::cli
