#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "commands.h"
#include "report_output.h"
#include "ssmi/analysis/probe/suite.h"

namespace ssmi::cli {

/// What `ssmi probe` is asked on the command line.
struct ProbeOptions {
  std::vector<std::string> checkpoints{kBundledModel};
  std::vector<std::string> tasks{"distance", "siblings", "dfg"};
  std::vector<std::string> probes{"linear", "directprobe"};
  std::map<std::string, std::string> tasks_left_out;  // task -> why
  std::string data, field = "code", language, input = "source", split = "function";
  std::string site = "hidden_states";
  probe::SuiteOptions suite;
  std::string device = "cpu", vectors, folder, pattern;
  int threads = 0;
  bool tasks_given = false, no_controls = false, no_cache = false, resume = false;
  ReportOutput output;

  bool asks_for(const char* probe) const;
};

const std::map<std::string, probe::Task>& tasks_by_name();

void add_probe_options(CLI::App& command, ProbeOptions& options);
/// Settles what --checkpoints and --tasks left to be settled, once the line is read. Throws
/// Error{kUsage} for a pattern that matches nothing.
void complete(ProbeOptions& options, const CLI::App& command);
/// What the suite is asked. Throws Error{kUsage} for options that contradict each other.
probe::SuiteOptions suite_options(const ProbeOptions& options);

}  // namespace ssmi::cli
