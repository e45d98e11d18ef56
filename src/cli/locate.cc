#include <cstdlib>
#include <sstream>

#include "commands.h"
#include "ssmi/core/error.h"

namespace ssmi::cli {
namespace fs = std::filesystem;

fs::path share_folder() {
  std::error_code status;
  const fs::path binary = fs::read_symlink("/proc/self/exe", status);
  const fs::path folder = binary.parent_path();
  // bin/ssmi of an installed tree, build/<preset>/ssmi of a source tree
  for (const fs::path& share : {folder / "../share/ssmi", folder / "../../share"}) {
    if (fs::is_directory(share / "models", status)) return fs::canonical(share);
  }
  fail(ExitCode::kDisk, "no share/ folder beside {}: install the whole tree (cmake --install)",
       binary.string());
}

CLI::Option* add_checkpoint(CLI::App& command, std::string& name) {
  return command
      .add_option("checkpoint", name, "Checkpoint folder, weight file, or the name of a known one")
      ->type_name("PATH")
      ->capture_default_str();
}

void add_threads(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads (default: all cores)")
      ->check(CLI::PositiveNumber);
}

fs::path resolve_model(const std::string& name) {
  std::error_code status;
  if (fs::is_directory(name, status) || fs::is_regular_file(name, status)) return name;
  std::vector<fs::path> folders;
  if (const char* variable = std::getenv("SSMI_MODELS")) {
    std::istringstream list(variable);
    for (std::string entry; std::getline(list, entry, ':');) {
      if (!entry.empty()) folders.emplace_back(entry);
    }
  }
  const bool plain = name.find('/') == std::string::npos && name != "." && name != "..";
  const auto is_there = [&](const fs::path& folder) {
    return plain && fs::is_directory(folder / name, status);
  };
  std::string looked;
  for (const fs::path& folder : folders) {
    if (is_there(folder)) return folder / name;
    looked += folder.string() + ", ";
  }
  const fs::path bundled = share_folder() / "models";
  if (is_there(bundled)) return bundled / name;
  looked += bundled.string();
  fail(ExitCode::kDisk, "{}: no such checkpoint folder or file, and no such name in {}", name,
       looked);
}

void note_all(const std::vector<std::string>& notes, Progress& progress) {
  for (const std::string& note : notes)
    progress.note(note);
}

void note_left_out(const code::FunctionSet& set, Progress& progress) {
  if (set.files_broken + set.files_too_large + set.functions_broken == 0) return;
  progress.note(fmt::format(
      "left out on reading: {} files with a syntax error, {} too large, {} functions that do not "
      "parse alone",
      set.files_broken, set.files_too_large, set.functions_broken));
}

}  // namespace ssmi::cli
