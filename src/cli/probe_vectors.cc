#include "probe_vectors.h"

#include <ATen/Parallel.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <filesystem>

#include "progress.h"
#include "ssmi/analysis/probe/vector_study.h"
#include "ssmi/core/csv.h"
#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/core/progress.h"
#include "ssmi/model/tensor.h"
#include "ssmi/report/probe_report.h"
#include "ssmi/report/run.h"

namespace ssmi::cli {
namespace {

namespace fs = std::filesystem;

/// What the files hold besides the report: predictions of the probes, not of their controls.
class Export {
 public:
  Export(const probe::VectorSet& set, const probe::VectorStudy& study) : set_(set), study_(study) {
    for (const probe::Result& result : study.results) {
      if (result.control == "none") probes_.push_back(&result);
    }
  }

  void write(const fs::path& folder) const {
    write_file(folder / "predictions.csv", predictions());
    if (study_.clusters) {
      write_file(folder / "clusters.csv", clusters());
      write_file(folder / "distances.csv", distances());
    }
    write_tensors(folder / "results.safetensors");
  }

 private:
  const std::string& label(int64_t place) const { return set_.labels[static_cast<size_t>(place)]; }
  const std::string& label_of_cluster(int64_t cluster) const {
    return label(study_.clusters->fit.clusters[static_cast<size_t>(cluster)].label);
  }

  std::string predictions() const {
    std::string text = "row,label";
    for (const probe::Result* result : probes_)
      text += fmt::format(",{}", result->probe);
    if (study_.clusters) text += ",cluster,distance";
    text += "\n";
    for (size_t row = 0; row < set_.test_y.size(); ++row) {
      text += fmt::format("{},{}", row, csv_field(label(set_.test_y[row])));
      for (const probe::Result* result : probes_)
        text += fmt::format(",{}", csv_field(label(result->predicted[row])));
      if (study_.clusters) text += nearest(row);
      text += "\n";
    }
    return text;
  }

  std::string nearest(size_t row) const {
    const probe::NearestHull& hull = study_.clusters->nearest[row];
    if (hull.cluster < 0) return ",,";
    return fmt::format(",{},{}", hull.cluster, hull.distance);
  }

  std::string clusters() const {
    std::string text = "row,label,cluster\n";
    for (size_t row = 0; row < set_.train_y.size(); ++row) {
      text += fmt::format("{},{},{}\n", row, csv_field(label(set_.train_y[row])),
                          study_.clusters->fit.cluster[row]);
    }
    return text;
  }

  std::string distances() const {
    std::string text = "cluster,label,other,other_label,distance\n";
    for (const auto& [first, second, distance] : study_.clusters->between.pairs) {
      text += fmt::format("{},{},{},{},{}\n", first, csv_field(label_of_cluster(first)), second,
                          csv_field(label_of_cluster(second)), distance);
    }
    return text;
  }

  void write_tensors(const fs::path& path) const {
    std::map<std::string, at::Tensor> tensors;
    for (const probe::Result* result : probes_)
      tensors["predicted." + result->probe] = at::tensor(result->predicted, at::kLong);
    if (study_.clusters) {
      tensors["cluster"] = at::tensor(study_.clusters->fit.cluster, at::kLong);
      tensors["test_distances"] = study_.to_test;
    }
    model::write_tensors(path, tensors, {{"labels", to_text(Json(set_.labels))}});
  }

  const probe::VectorSet& set_;
  const probe::VectorStudy& study_;
  std::vector<const probe::Result*> probes_;
};

Json run_object(const ProbeOptions& options, const probe::VectorSet& set) {
  Json run = report::run_environment();
  run["seed"] = options.suite.seed;
  run["config"] = {{"probes", options.probes}, {"controls", !options.no_controls}};
  run["vectors_sha256"] = set.sha256;
  return run;
}

}  // namespace

void probe_vectors(const ProbeOptions& options) {
  catch_signals();
  const report::Timing timing;
  for (const char* probe : {"structural", "ast"}) {
    if (options.asks_for(probe))
      fail(ExitCode::kUsage, "--probes {}: is asked of trees, not of vectors", probe);
  }
  StderrProgress progress(options.output.quiet);
  if (options.threads > 0) at::set_num_threads(options.threads);
  check_output(options.output.file, options.vectors);
  { const AtomicFile writable(options.output.file); }  // found out before the work, not after it
  if (!options.folder.empty()) make_folder(options.folder);
  const probe::VectorSet set = probe::read_vectors(options.vectors);
  const probe::VectorStudy study =
      probe::probe_vectors(set,
                           {.linear = options.asks_for("linear"),
                            .ridge = options.asks_for("ridge"),
                            .directprobe = options.asks_for("directprobe"),
                            .controls = !options.no_controls,
                            .distances = !options.folder.empty(),
                            .seed = options.suite.seed},
                           progress);
  Json rows = Json::array();
  for (const probe::Result& result : study.results)
    rows.push_back(report::probe_row(result));
  const Json report{{"schema", "ssmi/probe-vectors/1"},
                    {"run", run_object(options, set)},
                    {"data",
                     {{"train", set.train_y.size()},
                      {"test", set.test_y.size()},
                      {"columns", set.train_x.size(1)},
                      {"labels", set.labels}}},
                    {"results", rows},
                    {"timing", timing.json()}};
  if (!options.folder.empty()) Export(set, study).write(options.folder);
  write_report(options.output, report);
  show_report(options.output, report, report::vector_table(report["data"], rows));
}

}  // namespace ssmi::cli
