#include "ssmi/core/file_lock.h"

#include <optional>

#include "ssmi/core/file.h"
#include "support.h"

namespace ssmi {
namespace {

TEST_CASE("file lock: held once, and let go") {
  const test::TemporaryFolder folder;
  const auto path = folder / "run.json";
  test::check_fails(ExitCode::kDisk, "cannot open", [&] { FileLock{path}; });
  write_file(path, "{}");
  std::optional<FileLock> held;
  held.emplace(path);
  test::check_fails(ExitCode::kMismatch, "another process is at work there",
                    [&] { FileLock{path}; });
  const FileLock of_folder(folder.path());
  test::check_fails(ExitCode::kMismatch, folder.path().string() + ": another process",
                    [&] { FileLock{folder.path()}; });
  held.reset();
  FileLock{path};
}

}  // namespace
}  // namespace ssmi
