#include <fmt/ranges.h>

#include <iostream>
#include <set>

#include "commands.h"
#include "ssmi/code/language.h"
#include "ssmi/core/error.h"
#include "ssmi/core/json.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/model/model.h"
#include "ssmi/report/machine.h"

namespace ssmi::cli {
namespace {

using Problems = std::vector<std::string>;

struct Checked {
  Json json;
  Problems problems;
};

Json grammars_of(Problems& problems) {
  Json list = Json::array();
  try {
    for (const code::Language* language : code::Language::all()) {
      list.push_back({{"language", language->name()},
                      {"version", language->version()},
                      {"abi", language->abi()}});
    }
  } catch (const Error& error) {  // an ABI that cannot be loaded
    problems.push_back(fmt::format("wrong: {}", error.what()));
  }
  return list;
}

/// The bundled checkpoints and functions: what of them can be read.
Json share_of(Problems& problems) {
  Json share{{"folder", nullptr}, {"models", Json::array()}, {"functions", nullptr}};
  try {
    const auto folder = share_folder();
    share["folder"] = folder.string();
    std::set<std::filesystem::path> models;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "models")) {
      if (entry.is_directory()) models.insert(entry.path());
    }
    for (const auto& path : models) {
      model::load_model(io::open_checkpoint(path));
      share["models"].push_back(path.filename().string());
    }
    const auto set = code::load_functions(folder / "data/python-functions.jsonl.xz");
    share["functions"] = set.functions.size();
  } catch (const std::exception& error) {
    problems.push_back(fmt::format("wrong: share: {}", error.what()));
  }
  return share;
}

Checked checked() {
  const report::Machine machine = report::this_machine();
  Checked result;
  for (const std::string& thing : report::slow_things(machine))
    result.problems.push_back("slow: " + thing);
  const report::Speed speed = report::measured_speed();
  result.json = {{"schema", "ssmi/doctor/1"},
                 {"version", SSMI_VERSION},
                 {"libtorch", machine.libtorch},
                 {"blas", machine.blas},
                 {"onednn", machine.has_onednn},
                 {"cpu",
                  {{"name", machine.cpu},
                   {"features", machine.features},
                   {"ssmi_kernels", machine.instruction_set},
                   {"libtorch_kernels", machine.libtorch_capability}}},
                 {"cores", machine.cores},
                 {"threads", machine.threads},
                 {"memory_bytes", machine.memory},
                 {"cuda", {{"built", machine.has_cuda}, {"devices", machine.cuda_devices}}},
                 {"grammars", grammars_of(result.problems)},
                 {"share", share_of(result.problems)},
                 {"timing", {{"gflops", speed.gflops}, {"gigabytes_per_second", speed.gigabytes}}}};
  result.json["problems"] = result.problems;
  return result;
}

std::string cuda_line(const Json& cuda) {
  if (!cuda["built"].get<bool>()) return "none: LibTorch was built without CUDA (docs/doctor.md)";
  if (cuda["devices"].empty()) return "none found";
  return fmt::format("{}", fmt::join(cuda["devices"].get<std::vector<std::string>>(), " "));
}

void print_table(const Json& json) {
  const auto line = [](const char* name, const std::string& value) {
    std::cout << fmt::format("{:<10} {}\n", name, value);
  };
  const auto text = [](const Json& value) { return value.get<std::string>(); };
  line("ssmi", text(json["version"]));
  line("libtorch", text(json["libtorch"]) + (json["onednn"].get<bool>() ? ", oneDNN" : ""));
  line("blas", text(json["blas"]));
  line("cpu", text(json["cpu"]["name"]));
  line("features",
       fmt::format("{}", fmt::join(json["cpu"]["features"].get<std::vector<std::string>>(), " ")));
  line("kernels", fmt::format("ssmi {}, LibTorch {}", text(json["cpu"]["ssmi_kernels"]),
                              text(json["cpu"]["libtorch_kernels"])));
  line("threads",
       fmt::format("{} of {} cores", json["threads"].get<int64_t>(), json["cores"].get<int64_t>()));
  line("memory", fmt::format("{:.1f} GB", json["memory_bytes"].get<double>() / 1e9));
  line("speed", fmt::format("{:.0f} GFLOP/s (float32 products), {:.1f} GB/s (copies)",
                            json["timing"]["gflops"].get<double>(),
                            json["timing"]["gigabytes_per_second"].get<double>()));
  line("cuda", cuda_line(json["cuda"]));
  for (const Json& grammar : json["grammars"]) {
    line("grammar", fmt::format("{} {}, ABI {}", text(grammar["language"]),
                                text(grammar["version"]), grammar["abi"].get<int64_t>()));
  }
  const Json& share = json["share"];
  if (!share["folder"].is_null()) line("share", text(share["folder"]));
  for (const Json& problem : json["problems"])
    std::cout << text(problem) << '\n';
  if (json["problems"].empty()) std::cout << "all well\n";
}

}  // namespace

void add_doctor(CLI::App& app) {
  auto as_json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand(
      "doctor", "Check the machine and the installation; exit 1 if something is slow or wrong");
  command->add_flag("--json", *as_json, "Print JSON");
  command->callback([as_json] {
    const auto [json, problems] = checked();
    if (*as_json) {
      std::cout << to_text(json, 2) << '\n';
    } else {
      print_table(json);
    }
    std::cout.flush();
    if (!problems.empty()) fail(ExitCode::kCheckFailed, "problems found: {}", problems.size());
  });
}

}  // namespace ssmi::cli
