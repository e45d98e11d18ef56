#include <fmt/ranges.h>

#include <iostream>

#include "commands.h"
#include "ssmi/core/json.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/model/model.h"

namespace ssmi::cli {
namespace {

struct Options {
  std::string folder;
  bool json = false;
};

/// The tensors as they lie in the files.
Json tensor_list(const io::Checkpoint& checkpoint) {
  Json list = Json::array();
  for (const auto& [name, view] : checkpoint.tensors) {
    list.push_back({{"name", name}, {"dtype", io::dtype_name(view.dtype)}, {"shape", view.shape}});
  }
  return list;
}

void print_table(const Json& report) {
  std::cout << fmt::format(
      "{}, {} blocks of width {}, {} parameters\nsha256    {}\nanalyses  {}\n\n",
      report["architecture"].get<std::string>(), report["layers"].get<int64_t>(),
      report["hidden_size"].get<int64_t>(), report["parameters"].get<int64_t>(),
      report["sha256"].get<std::string>(),
      fmt::join(report["analyses"].get<std::vector<std::string>>(), " "));
  for (const Json& tensor : report["tensors"]) {
    std::cout << fmt::format("{:<48} {:<5} {}\n", tensor["name"].get<std::string>(),
                             tensor["dtype"].get<std::string>(), tensor["shape"].dump());
  }
}

void run(const Options& options) {
  const auto checkpoint = io::open_checkpoint(resolve_model(options.folder));
  const auto model = model::load_model(checkpoint);
  const auto info = model->info();
  const Json report{{"schema", "ssmi/inspect/1"},
                    {"architecture", info.architecture},
                    {"parameters", model::parameter_count(*model)},
                    {"layers", info.layers},
                    {"hidden_size", info.hidden_size},
                    {"tensors", tensor_list(checkpoint)},
                    {"sha256", io::checkpoint_sha256(checkpoint)},
                    {"analyses", {"probe"}}};
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
  command
      ->add_option("checkpoint", options->folder, "Checkpoint folder, or the name of a known one")
      ->required()
      ->type_name("DIR");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options] { run(*options); });
}

}  // namespace ssmi::cli
