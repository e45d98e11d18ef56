#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>

#include "commands.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "user_cache.h"

namespace ssmi::cli {
namespace {

using Entry = io::ActivationCache::Entry;

std::string time_text(std::filesystem::file_time_type time) {
  const auto seconds =
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::file_clock::to_sys(time));
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds));
}

/// An entry whose manifest cannot be read is `damaged`: it is made again when it is wanted.
Json entry_object(const Entry& entry) {
  Json object{{"entry", entry.folder.filename().string()},
              {"checkpoint", nullptr},
              {"key", nullptr},
              {"bytes", entry.bytes},
              {"last_used", nullptr}};
  Json manifest;
  try {
    manifest = io::ActivationCache::manifest(entry);
  } catch (const Error&) {
    return object;
  }
  object["checkpoint"] = manifest["checkpoint"];
  object["key"] = manifest["key"];
  object["last_used"] = time_text(entry.last_used);
  return object;
}

Json report_on(const io::ActivationCache& cache) {
  Json report{{"schema", "ssmi/cache/1"},
              {"folder", cache.folder().string()},
              {"bytes", 0},
              {"max_bytes", cache.max_bytes()},
              {"entries", Json::array()}};
  uint64_t bytes = 0;
  for (const Entry& entry : cache.entries()) {
    bytes += entry.bytes;
    report["entries"].push_back(entry_object(entry));
  }
  report["bytes"] = bytes;
  return report;
}

/// Layers that came of one pass: a line of the table.
struct Line {
  std::string checkpoint, what, last_used;
  int64_t functions = 0;
  std::vector<int64_t> layers;
  uint64_t bytes = 0;
};

/// A value of a key, which other versions may write otherwise.
template <typename T>
T value_of(const Json& key, const char* name, T otherwise) {
  const auto found = key.find(name);
  if (found == key.end()) return otherwise;
  if constexpr (std::is_integral_v<T>) {
    return found->is_number_integer() ? found->get<T>() : otherwise;
  } else {
    return found->is_string() ? found->get<T>() : otherwise;
  }
}

Line line_of(const Json& entry) {
  const Json& key = entry["key"];
  if (key.is_null()) return {"-", "damaged", "-", 0, {}, entry["bytes"]};
  Line line{entry["checkpoint"],
            value_of<std::string>(key, "what", "-"),
            entry["last_used"],
            value_of<int64_t>(key, "functions", 0),
            {value_of<int64_t>(key, "layer", 0)},
            entry["bytes"]};
  const auto site = value_of<std::string>(key, "site", "");
  if (site != "embedding" && site != "block_output") line.what += " at " + site;
  const auto control = value_of<std::string>(key, "control", "none");
  if (control != "none") line.what += " of " + control;
  return line;
}

/// Entries that differ in their layer alone are one line, the last used first.
std::vector<Line> lines_of(const Json& entries) {
  std::vector<Line> lines;
  std::map<std::string, size_t> known;  // what differs but in layer -> place in `lines`
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    const Line own = line_of(*entry);
    Json pass = (*entry)["key"];
    if (pass.is_object()) {
      pass.erase("layer");
      pass.erase("site");
    }
    const auto [place, is_new] =
        known.emplace(own.checkpoint + own.what + to_text(pass), lines.size());
    if (is_new) {
      lines.push_back(own);
      continue;
    }
    Line& line = lines[place->second];
    line.layers.insert(line.layers.end(), own.layers.begin(), own.layers.end());
    line.bytes += own.bytes;
  }
  return lines;
}

/// "0-4,6".
std::string ranges(std::vector<int64_t> numbers) {
  std::ranges::sort(numbers);
  std::string text;
  for (size_t first = 0, last = 0; first < numbers.size(); first = last + 1) {
    last = first;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1)
      ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ",", numbers[first]);
    if (last > first) text += fmt::format("-{}", numbers[last]);
  }
  return text.empty() ? "-" : text;
}

double megabytes(uint64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

void print_table(const Json& report) {
  if (!report["entries"].empty()) {
    std::cout << fmt::format("{:<28} {:<24} {:>9}  {:<9} {:>9}  last used\n", "checkpoint", "what",
                             "functions", "layers", "MB");
  }
  for (const Line& line : lines_of(report["entries"])) {
    std::cout << fmt::format("{:<28} {:<24} {:>9}  {:<9} {:>9.1f}  {}\n", excerpt(line.checkpoint),
                             excerpt(line.what), line.functions, ranges(line.layers),
                             megabytes(line.bytes), line.last_used);
  }
  std::cout << fmt::format(
      "{:.1f} of at most {:.1f} MB in {}\n", megabytes(report["bytes"].get<uint64_t>()),
      megabytes(report["max_bytes"].get<uint64_t>()), report["folder"].get<std::string>());
}

io::ActivationCache cache_or_fail() {
  auto cache = user_cache();
  if (!cache) fail(ExitCode::kDisk, "{}", kNoCacheFolder);
  return *cache;
}

/// Of the checkpoints of these names, or all.
void clear(const std::vector<std::string>& names) {
  const auto cache = cache_or_fail();
  size_t entries = 0;
  uint64_t bytes = 0;
  for (const Entry& entry : cache.entries()) {
    const Json checkpoint = entry_object(entry)["checkpoint"];
    const auto is_it = [&](const std::string& name) { return checkpoint == Json(name); };
    if (!names.empty() && std::ranges::none_of(names, is_it)) continue;
    if (!io::ActivationCache::remove(entry)) {
      fail(ExitCode::kDisk, "{}: cannot be removed", entry.folder.string());
    }
    ++entries;
    bytes += entry.bytes;
  }
  if (!names.empty() && entries == 0) {
    fail(ExitCode::kUsage, "{}: nothing is kept under that name; `ssmi cache` lists what is",
         fmt::join(names, ", "));
  }
  if (names.empty()) cache.remove_leftovers(std::chrono::seconds(0));
  std::cout << fmt::format("removed {} entries, {:.1f} MB, from {}\n", entries, megabytes(bytes),
                           cache.folder().string());
}

}  // namespace

void add_cache(CLI::App& app) {
  auto as_json = std::make_shared<bool>(false);
  auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* command =
      app.add_subcommand("cache", "List or clear what is kept of models' forward passes");
  command->add_flag("--json", *as_json, "Print JSON");
  CLI::App* clearing = command->add_subcommand("clear", "Remove what is kept");
  clearing
      ->add_option("checkpoint", *names,
                   "Only what is kept of checkpoints listed under these names")
      ->type_name("NAME");
  clearing->callback([names] { clear(*names); });
  command->callback([command, clearing, as_json] {
    if (command->got_subcommand(clearing)) return;
    const Json report = report_on(cache_or_fail());
    if (*as_json) {
      std::cout << to_text(report, 2) << '\n';
    } else {
      print_table(report);
    }
  });
}

}  // namespace ssmi::cli
