#include "probe_vectors.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "progress.h"
#include "ssmi/analysis/probe/vector_study.h"
#include "ssmi/core/csv.h"
#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/core/progress.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/report/probe_report.h"
#include "ssmi/report/run.h"

namespace ssmi::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> bytes_of(const std::vector<int64_t>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

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
    const at::Tensor to_hulls = study_.clusters->to_test[static_cast<int64_t>(row)];
    if (to_hulls.numel() == 0) return ",,";
    const auto at = to_hulls.argmin().item<int64_t>();
    return fmt::format(",{},{}", at, to_hulls[at].item<double>());
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
    const auto rows = static_cast<int64_t>(set_.test_y.size());
    std::vector<std::pair<std::string, std::vector<std::byte>>> kept;
    std::vector<io::TensorBytes> tensors;
    kept.reserve(2 + probes_.size());
    const auto add = [&](std::string name, io::Dtype dtype, std::vector<int64_t> shape,
                         std::vector<std::byte> bytes) {
      kept.emplace_back(std::move(name), std::move(bytes));
      tensors.push_back({kept.back().first, dtype, std::move(shape), kept.back().second});
    };
    for (const probe::Result* result : probes_)
      add("predicted." + result->probe, io::Dtype::kI64, {rows}, bytes_of(result->predicted));
    if (study_.clusters) {
      const auto& fit = study_.clusters->fit;
      add("cluster", io::Dtype::kI64, {static_cast<int64_t>(fit.cluster.size())},
          bytes_of(fit.cluster));
      const at::Tensor& to_hulls = study_.clusters->to_test;
      const auto* data = static_cast<const std::byte*>(to_hulls.const_data_ptr());
      add("test_distances", io::Dtype::kF64, to_hulls.sizes().vec(),
          {data, data + to_hulls.nbytes()});
    }
    io::write_safetensors(path, tensors, {{"labels", to_text(Json(set_.labels))}});
  }

  const probe::VectorSet& set_;
  const probe::VectorStudy& study_;
  std::vector<const probe::Result*> probes_;
};

Json run_object(const VectorProbeOptions& options, const probe::VectorSet& set) {
  Json run = report::run_environment();
  run["seed"] = options.seed;
  run["config"] = {{"probes", options.probes}, {"controls", options.controls}};
  run["vectors_sha256"] = set.sha256;
  return run;
}

}  // namespace

void probe_vectors(const VectorProbeOptions& options) {
  catch_signals();
  const report::Timing timing;
  const auto asks_for = [&](const char* probe) {
    return std::ranges::find(options.probes, probe) != options.probes.end();
  };
  for (const char* probe : {"structural", "ast"}) {
    if (asks_for(probe))
      fail(ExitCode::kUsage, "--probes {}: is asked of trees, not of vectors", probe);
  }
  StderrProgress progress(options.quiet);
  if (options.threads > 0) at::set_num_threads(options.threads);
  { const AtomicFile writable(options.out); }  // found out before the work, not after it
  if (!options.folder.empty()) make_folder(options.folder);
  const probe::VectorSet set = probe::read_vectors(options.vectors);
  const probe::VectorStudy study = probe::probe_vectors(set,
                                                        {.linear = asks_for("linear"),
                                                         .ridge = asks_for("ridge"),
                                                         .directprobe = asks_for("directprobe"),
                                                         .controls = options.controls,
                                                         .distances = !options.folder.empty(),
                                                         .seed = options.seed},
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
  write_file(options.out, to_text(report, 1) + "\n");
  if (options.json) {
    std::cout << to_text(report, 1) << '\n';
  } else if (!options.quiet) {
    std::cout << report::vector_table(report["data"], rows) << "Report: " << options.out << '\n';
  }
}

}  // namespace ssmi::cli
