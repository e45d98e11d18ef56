#include "report_output.h"

#include <iostream>

#include "ssmi/core/error.h"
#include "ssmi/core/file.h"

namespace ssmi::cli {

namespace fs = std::filesystem;

CLI::Option* add_report_output(CLI::App& command, ReportOutput& output) {
  CLI::Option* out =
      command.add_option("--out", output.file, "Report to write (JSON)")->type_name("FILE");
  command.add_flag("--json", output.json, "Print the report instead of the table");
  command.add_flag("--quiet", output.quiet, "Print neither progress nor table");
  return out;
}

void check_output(const fs::path& out, const fs::path& input) {
  std::error_code status;
  if (fs::equivalent(out, input, status)) {
    fail(ExitCode::kUsage, "{}: is read; write the output elsewhere", out.string());
  }
}

void check_output(const fs::path& out, const io::Checkpoint& checkpoint) {
  for (const std::string& file : checkpoint.files)
    check_output(out, checkpoint.folder / file);
}

void write_report(const ReportOutput& output, const Json& report) {
  if (!output.file.empty()) write_file(output.file, to_text(report, 1) + "\n");
}

void show_report(const ReportOutput& output, const Json& report, const std::string& tables) {
  if (output.json) {
    std::cout << to_text(report, 1) << '\n';
  } else if (!output.quiet) {
    std::cout << tables;
    if (!output.file.empty()) std::cout << "Report: " << output.file << '\n';
  }
}

}  // namespace ssmi::cli
