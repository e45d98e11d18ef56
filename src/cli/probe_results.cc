#include "probe_results.h"

#include <algorithm>
#include <sstream>

#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/core/hash.h"
#include "ssmi/report/probe_report.h"
#include "ssmi/report/tree_report.h"

namespace ssmi::cli {

namespace {

constexpr const char* kAnswers = "answers";

}  // namespace

ProbeResults::ProbeResults(const std::filesystem::path& report, const Json& run, bool resume)
    : path_(report.string() + ".partial"), run_(parse_json(to_text(run), "run")) {
  { const AtomicFile writable(report); }  // found out before the work, not after it
  lock_.emplace(path_, /*create=*/true);
  constexpr uint64_t kMaxBytes = uint64_t{1} << 30;
  std::string content = read_file(path_, kMaxBytes);
  const bool is_ours = content.empty() || content.starts_with("{\"run\":");
  content.erase(content.rfind('\n') + 1);  // a torn last line is redone
  const bool has_steps = std::ranges::count(content, '\n') > 1;
  if (!resume && (has_steps || !is_ours)) {
    fail(ExitCode::kUsage,
         "{}: an unfinished run is there; go on with --resume, or remove the file", path_.string());
  }
  if (has_steps || !is_ours) read_partial(content);
  std::filesystem::resize_file(path_, has_steps ? content.size() : 0);
  if (!has_steps) append_line(path_, to_text(Json{{"run", run_}}));
}

ProbeResults::~ProbeResults() {
  std::error_code ignored;
  if (rows_.empty()) std::filesystem::remove(path_, ignored);
}

void ProbeResults::read_partial(const std::string& content) {
  std::istringstream lines(content);
  bool first = true;
  for (std::string line; std::getline(lines, line); first = false) {
    const Json entry = parse_json(line, path_.string());
    const JsonObject object(entry, path_.string());
    if (!first) {
      const Json& rows = object.at("rows");
      if (sha256(to_text(rows)) != object.string("sha256")) {
        bad_input("{}: a line is damaged; remove the file to start anew", path_.string());
      }
      rows_[object.string("step")] = rows;
    } else if (const auto difference = first_difference(object.at("run"), run_);
               !difference.empty()) {
      fail(ExitCode::kMismatch,
           "{}: was left by another run: {}; repeat that one, or remove the file", path_.string(),
           difference);
    }
  }
  if (first) bad_input("{}: holds no run; remove the file", path_.string());
}

void ProbeResults::put(const probe::Step& step, const probe::StepResults& results) {
  Json rows = Json::array();
  for (const probe::TreeResult& result : results.trees)
    rows.push_back(report::tree_row(result));
  for (const probe::Result& result : results.results) {
    rows.push_back(report::probe_row(result));
    if (result.probe == "linear" && result.control == "none") {
      rows.back()[kAnswers] = result.predicted;
    }
  }
  append_line(path_, to_text(Json{
                         {"step", step.key()}, {"sha256", sha256(to_text(rows))}, {"rows", rows}}));
  rows_[step.key()] = std::move(rows);
}

ProbeRows ProbeResults::in_order(const std::vector<probe::Step>& steps) const {
  ProbeRows all{Json::array(), Json::array()};
  for (const probe::Step& step : steps) {
    for (const Json& row : rows_.at(step.key())) {
      Json& list = row.contains("task") ? all.results : all.trees;
      list.push_back(row);
      list.back().erase(kAnswers);
    }
  }
  return all;
}

std::vector<probe::Answers> ProbeResults::answers() const {
  std::vector<probe::Answers> answers;
  for (const auto& [step, rows] : rows_) {
    for (const Json& row : rows) {
      if (!row.contains(kAnswers)) continue;
      answers.push_back({row["checkpoint"], row["task"], row["layer"], row["draw"],
                         row["linear"]["validation_accuracy"],
                         row[kAnswers].get<std::vector<int64_t>>()});
    }
  }
  return answers;
}

void ProbeResults::discard_partial() const {
  std::filesystem::remove(path_);
}

}  // namespace ssmi::cli
