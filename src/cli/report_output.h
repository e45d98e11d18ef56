#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "ssmi/core/json.h"
#include "ssmi/io/checkpoint.h"

namespace ssmi::cli {

/// Where a report goes and what is printed.
struct ReportOutput {
  std::string file;  ///< empty: nowhere
  bool json = false, quiet = false;
};

/// Adds --out, which is returned, --json and --quiet.
CLI::Option* add_report_output(CLI::App& command, ReportOutput& output);

/// Throws Error{kUsage} when writing `out` would replace a file that is read.
void check_output(const std::filesystem::path& out, const std::filesystem::path& input);
void check_output(const std::filesystem::path& out, const io::Checkpoint& checkpoint);

/// Writes the report, if it goes anywhere.
void write_report(const ReportOutput& output, const Json& report);

/// Prints it, or the tables and where it is, or nothing.
void show_report(const ReportOutput& output, const Json& report, const std::string& tables);

}  // namespace ssmi::cli
