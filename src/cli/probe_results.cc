#include "probe_results.h"

#include <sstream>

#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/report/probe_report.h"

namespace ssmi::cli {

ProbeResults::ProbeResults(const std::filesystem::path& report, Json run, bool resume)
    : path_(report.string() + ".partial"), run_(std::move(run)) {
  const AtomicFile writable(report);  // found out before the work, not after it
  if (!std::filesystem::exists(path_)) return;
  if (resume) {
    read_partial();
  } else {
    std::filesystem::remove(path_);
  }
}

void ProbeResults::read_partial() {
  constexpr uint64_t kMaxBytes = uint64_t{1} << 30;
  const std::string content = read_file(path_, kMaxBytes);
  std::istringstream lines(
      content.substr(0, content.rfind('\n') + 1));  // a torn last line is redone
  bool first = true;
  for (std::string line; std::getline(lines, line); first = false) {
    const Json entry = parse_json(line, path_.string());
    const JsonObject object(entry, path_.string());
    if (!first) {
      rows_[object.string("step")] = object.at("rows");
    } else if (object.at("run") != run_) {
      fail(ExitCode::kMismatch,
           "{}: was left by a run with other options, data or checkpoints; repeat those, or run "
           "without --resume to start anew",
           path_.string());
    }
  }
  if (first) bad_input("{}: holds no run; start anew without --resume", path_.string());
  write_file(path_, lines.str());
}

void ProbeResults::put(const probe::Step& step, const std::vector<probe::Result>& results) {
  Json rows = Json::array();
  for (const probe::Result& result : results)
    rows.push_back(report::probe_row(result));
  if (rows_.empty()) write_file(path_, Json{{"run", run_}}.dump() + "\n");
  append_line(path_, Json{{"step", step.key()}, {"rows", rows}}.dump());
  rows_[step.key()] = std::move(rows);
}

Json ProbeResults::in_order(const std::vector<probe::Step>& steps) const {
  Json all = Json::array();
  for (const probe::Step& step : steps) {
    for (const Json& row : rows_.at(step.key()))
      all.push_back(row);
  }
  return all;
}

void ProbeResults::discard_partial() const {
  std::filesystem::remove(path_);
}

}  // namespace ssmi::cli
