#include "ssmi/core/file.h"

#include <sys/stat.h>

#include <fstream>

#include "support.h"

namespace ssmi {
namespace {

using test::check_fails;
using test::TemporaryFolder;

size_t entries(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST_CASE("file: an atomic file appears whole or not at all") {
  const TemporaryFolder folder;
  {
    AtomicFile file(folder / "report.json");
    file.write("half");
    CHECK_FALSE(std::filesystem::exists(folder / "report.json"));
  }
  CHECK(entries(folder.path()) == 0);
  write_file(folder / "report.json", "whole");
  CHECK(read_file(folder / "report.json", 5) == "whole");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("file: writing follows a link and replaces nothing but files") {
  const TemporaryFolder folder;
  write_file(folder / "report.json", "old");
  std::filesystem::create_symlink(folder / "report.json", folder / "link");
  write_file(folder / "link", "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_file(folder / "report.json", 3) == "new");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  check_fails(ExitCode::kDisk, "is not a regular file", [&] { write_file(folder / "pipe", "x"); });
  std::filesystem::create_symlink(folder / "none", folder / "dangling");
  check_fails(ExitCode::kDisk, "is not a regular file",
              [&] { write_file(folder / "dangling", "x"); });
  CHECK(entries(folder.path()) == 4);
}

TEST_CASE("file: a mapping outlives its name") {
  const TemporaryFolder folder;
  write_file(folder / "a", "bytes");
  const auto file = MappedFile::open(folder / "a");
  std::filesystem::remove(folder / "a");
  REQUIRE(file->bytes().size() == 5);
  CHECK(static_cast<char>(file->bytes()[0]) == 'b');
  write_file(folder / "empty", "");
  CHECK(MappedFile::open(folder / "empty")->bytes().empty());
}

TEST_CASE("file: what cannot be read is said") {
  const TemporaryFolder folder;
  write_file(folder / "a", "12345");
  check_fails(ExitCode::kBadInput, "has 5 bytes, expected at most 4",
              [&] { read_file(folder / "a", 4); });
  check_fails(ExitCode::kDisk, "No such file", [&] { read_file(folder / "gone", 4); });
  check_fails(ExitCode::kDisk, "is a folder", [&] { MappedFile::open(folder.path()); });
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  check_fails(ExitCode::kDisk, "not a regular file", [&] { MappedFile::open(folder / "pipe"); });
  check_fails(ExitCode::kDisk, "is a folder", [&] { AtomicFile(folder.path()); });
  check_fails(ExitCode::kDisk, "cannot create", [&] { AtomicFile(folder / "no/such/folder"); });
}

TEST_CASE("file: lines are appended") {
  const TemporaryFolder folder;
  append_line(folder / "log", "one");
  append_line(folder / "log", "two");
  CHECK(read_file(folder / "log", 100) == "one\ntwo\n");
}

}  // namespace
}  // namespace ssmi
