#include <fmt/ranges.h>

#include <algorithm>
#include <iostream>

#include "commands.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/json.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/model/model.h"

namespace ssmi::cli {
namespace {

struct Options {
  std::string checkpoint = kBundledModel;
  bool json = false;
};

/// The tensors as they lie in the files.
Json tensor_list(const io::Checkpoint& checkpoint) {
  Json list = Json::array();
  for (const auto& [name, view] : checkpoint.tensors) {
    list.push_back({{"name", name}, {"dtype", io::stored_type(view)}, {"shape", view.shape}});
  }
  return list;
}

/// Why the checkpoint's architecture is not known; empty when it is.
std::string unknown_because(const io::Checkpoint& checkpoint) {
  if (checkpoint.config.is_null()) return "there is no config.json";
  if (model::is_mamba_ssm(checkpoint.config)) return {};
  const auto type = checkpoint.config.find("model_type");
  if (type == checkpoint.config.end() || !type->is_string()) return "config.json has no model_type";
  const auto known = model::architectures();
  const auto name = type->get<std::string>();
  if (std::find(known.begin(), known.end(), name) != known.end()) return {};
  return fmt::format("model_type '{}' is not known; known are: {}", excerpt(name),
                     fmt::join(known, ", "));
}

/// The sub-commands that have something to say of the model.
Json analyses_of(const model::Model& model) {
  Json names{"probe"};
  const bool has_kernels =
      !model.state_kernels(at::kDouble).empty() || !model.selective_dynamics().empty();
  if (has_kernels) names.push_back("spectrum");
  return names;
}

Json report_on(const io::Checkpoint& checkpoint) {
  Json report{{"schema", "ssmi/inspect/1"}, {"architecture", nullptr}};
  const std::string reason = unknown_because(checkpoint);
  std::vector<std::string> notes = checkpoint.notes;
  Json analyses = Json::array();
  if (reason.empty()) {
    const auto [model, found] = model::load_model(checkpoint);
    notes = found;
    const auto info = model->info();
    report["architecture"] = info.architecture;
    report["parameters"] = model::parameter_count(*model);
    report["layers"] = info.layers;
    report["hidden_size"] = info.hidden_size;
    analyses = analyses_of(*model);
  } else {
    report["reason"] = reason;
  }
  report["tensors"] = tensor_list(checkpoint);
  report["notes"] = notes;
  report["sha256"] = io::checkpoint_sha256(checkpoint);
  report["analyses"] = analyses;
  return report;
}

void print_table(const Json& report) {
  if (report.contains("reason")) {
    std::cout << fmt::format("no known architecture: {}\n{} tensors\n",
                             report["reason"].get<std::string>(), report["tensors"].size());
  } else {
    std::cout << fmt::format("{}, {} blocks of width {}, {} parameters\n",
                             report["architecture"].get<std::string>(),
                             report["layers"].get<int64_t>(), report["hidden_size"].get<int64_t>(),
                             report["parameters"].get<int64_t>());
  }
  std::cout << fmt::format("sha256    {}\n", report["sha256"].get<std::string>());
  if (!report["analyses"].empty()) {
    std::cout << fmt::format("analyses  {}\n",
                             fmt::join(report["analyses"].get<std::vector<std::string>>(), " "));
  }
  for (const Json& note : report["notes"])
    std::cout << fmt::format("note      {}\n", note.get<std::string>());
  std::cout << '\n';
  for (const Json& tensor : report["tensors"]) {
    std::cout << fmt::format("{:<48} {:<5} {}\n", excerpt(tensor["name"].get<std::string>(), 1000),
                             tensor["dtype"].get<std::string>(), tensor["shape"].dump());
  }
}

void run(const Options& options) {
  const Json report = report_on(io::open_tensors(resolve_model(options.checkpoint)));
  if (options.json) {
    std::cout << to_text(report, 2) << '\n';
  } else {
    print_table(report);
  }
}

}  // namespace

void add_inspect(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "inspect", "Check a checkpoint and say what it holds and what can be asked");
  add_checkpoint(*command, options->checkpoint);
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
