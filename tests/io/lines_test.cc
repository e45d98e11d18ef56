#include "ssmi/io/lines.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <fstream>
#include <vector>

#include "ssmi/core/file.h"
#include "ssmi/core/random.h"
#include "ssmi/io/jsonl.h"
#include "support.h"

namespace ssmi::io {
namespace {

using test::check_fails;
using test::TemporaryFolder;

constexpr const char* kFilters[] = {"none", "gzip", "xz", "zstd", "bzip2"};
// Bytes of a compressed file within which its header lies: without it, it passes for plain text.
constexpr size_t kHeader = 24;

/// Without the syncing of write_file(): these tests write thousands of files.
void write_fast(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

/// Writes `content` through one of libarchive's filters.
void write_compressed(const std::filesystem::path& path, const std::string& content,
                      const std::string& filter) {
  if (filter == "none") return write_fast(path, content);
  archive* writer = archive_write_new();
  REQUIRE(archive_write_add_filter_by_name(writer, filter.c_str()) == ARCHIVE_OK);
  REQUIRE(archive_write_set_format_raw(writer) == ARCHIVE_OK);
  archive_write_set_bytes_in_last_block(writer, 1);
  REQUIRE(archive_write_open_filename(writer, path.c_str()) == ARCHIVE_OK);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_pathname(entry, "content");
  REQUIRE(archive_write_header(writer, entry) == ARCHIVE_OK);
  REQUIRE(archive_write_data(writer, content.data(), content.size()) >= 0);
  archive_entry_free(entry);
  REQUIRE(archive_write_free(writer) == ARCHIVE_OK);
}

std::vector<std::string> lines_of(const std::filesystem::path& path,
                                  size_t max_line = LineReader::kMaxLine) {
  LineReader reader(path, max_line);
  std::vector<std::string> lines;
  while (const auto line = reader.next()) {
    lines.emplace_back(*line);
    CHECK(reader.number() == lines.size());
  }
  CHECK(reader.number() == lines.size());
  return lines;
}

/// Text that does not compress to nothing, with lines from empty to longer than a block.
std::string varied_text(size_t lines) {
  Random random(1, "lines");
  std::string text;
  for (size_t i = 0; i < lines; ++i) {
    const size_t length = i % 50 == 7 ? 300'000 : random.below(100);
    for (size_t j = 0; j < length; ++j)
      text += static_cast<char>('!' + random.below(90));
    text += '\n';
  }
  return text;
}

TEST_CASE("lines: plain and compressed text give the same lines") {
  const TemporaryFolder folder;
  const std::string text = varied_text(200);
  for (const char* filter : kFilters) {
    CAPTURE(filter);
    write_compressed(folder / "t", text, filter);
    std::string joined;
    for (const std::string& line : lines_of(folder / "t"))
      joined += line + '\n';
    CHECK(joined == text);
    CHECK((read_file(folder / "t", 1 << 30) == text) == (std::string(filter) == "none"));
  }
}

TEST_CASE("lines: ends of lines and of files") {
  const TemporaryFolder folder;
  using Lines = std::vector<std::string>;
  const std::vector<std::pair<std::string, Lines>> cases{
      {"", {}},
      {"a", {"a"}},
      {"a\n", {"a"}},
      {"\n", {""}},
      {"\n\na", {"", "", "a"}},
      {"a\r\nb\r\r\n\r\nc\r", {"a", "b\r", "", "c\r"}},
      {std::string("\0a\n\0\0", 5), {std::string("\0a", 2), std::string("\0\0", 2)}},
      {"\xff\xfe\n", {"\xff\xfe"}}};
  for (const auto& [content, expected] : cases) {
    CAPTURE(content);
    write_file(folder / "t", content);
    CHECK(lines_of(folder / "t") == expected);
    for (const char* filter : {"gzip", "xz", "zstd"}) {
      CAPTURE(filter);
      write_compressed(folder / "c", content, filter);
      CHECK(lines_of(folder / "c") == expected);
    }
  }
}

TEST_CASE("lines: a line too long is refused by number") {
  const TemporaryFolder folder;
  write_file(folder / "t", "12345\n123456\n");
  CHECK(lines_of(folder / "t", 6).size() == 2);
  check_fails(ExitCode::kBadInput, "t:2: the line is longer than 5 bytes",
              [&] { lines_of(folder / "t", 5); });
  const std::string large(4'000'000, 'x');
  write_compressed(folder / "c", "a\n" + large, "xz");
  check_fails(ExitCode::kBadInput, "c:2: the line is longer than 3999999 bytes",
              [&] { lines_of(folder / "c", 3'999'999); });
  CHECK(lines_of(folder / "c", 4'000'000).at(1) == large);
}

TEST_CASE("lines: a compressed file cut short is refused") {
  const TemporaryFolder folder;
  const std::string text = varied_text(6);
  for (const char* filter : {"gzip", "xz", "zstd", "bzip2"}) {
    CAPTURE(filter);
    write_compressed(folder / "c", text, filter);
    const std::string whole = read_file(folder / "c", 1 << 20);
    for (size_t size = kHeader; size < whole.size(); ++size) {
      CAPTURE(size);
      write_fast(folder / "cut", whole.substr(0, size));
      check_fails(ExitCode::kBadInput, "damaged or cut short", [&] { lines_of(folder / "cut"); });
    }
  }
}

TEST_CASE("lines: of a large file cut short the whole lines come first") {
  const TemporaryFolder folder;
  const std::string text = varied_text(60);  // 600 KB
  // Not bzip2, whose blocks are larger than this text.
  for (const char* filter : {"gzip", "xz", "zstd"}) {
    CAPTURE(filter);
    write_compressed(folder / "c", text, filter);
    const std::string whole = read_file(folder / "c", 1 << 20);
    write_fast(folder / "cut", whole.substr(0, whole.size() - 200));
    LineReader reader(folder / "cut");
    for (int i = 0; i < 20; ++i)
      CHECK(reader.next());
    check_fails(ExitCode::kBadInput, "damaged or cut short", [&] {
      while (reader.next()) {
      }
    });
    CHECK(reader.where() == (folder / "cut").string() + ":" + std::to_string(reader.number()));
    CHECK(reader.number() > 20);
    CHECK(reader.number() <= 60);
  }
}

TEST_CASE("lines: a damaged compressed file is refused, where it carries a checksum") {
  const TemporaryFolder folder;
  const std::string text = varied_text(7);
  Random random(1, "damaged");
  for (const std::string filter : {"gzip", "xz", "zstd", "bzip2"}) {
    CAPTURE(filter);
    write_compressed(folder / "c", text, filter);
    const std::string whole = read_file(folder / "c", 1 << 20);
    int refused = 0;
    for (int i = 0; i < 100; ++i) {
      std::string damaged = whole;
      damaged[kHeader + random.below(damaged.size() - kHeader)] ^=
          static_cast<char>(1 << random.below(8));
      write_fast(folder / "d", damaged);
      try {
        lines_of(folder / "d");
      } catch (const Error& error) {
        CHECK(error.code() == ExitCode::kBadInput);
        ++refused;
      }
    }
    // libarchive does not check gzip's sum and writes zstd without one.
    if (filter == "xz" || filter == "bzip2") CHECK(refused == 100);
  }
}

TEST_CASE("lines: what cannot be opened is a matter of the disk") {
  const TemporaryFolder folder;
  check_fails(ExitCode::kDisk, "gone: cannot open: No such file",
              [&] { LineReader(folder / "gone"); });
  check_fails(ExitCode::kDisk, "is a folder", [&] { LineReader reader(folder.path()); });
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  check_fails(ExitCode::kDisk, "not a regular file", [&] { LineReader(folder / "pipe"); });
}

TEST_CASE("jsonl: records come with their place") {
  const TemporaryFolder folder;
  write_compressed(folder / "d.jsonl", "{\"code\": \"a\\nb\"}\r\n\n \t\n{\"code\": 1}\n[]\n", "xz");
  JsonlReader reader(folder / "d.jsonl");
  const auto first = reader.next();
  REQUIRE(first);
  CHECK(JsonObject(*first, reader.where()).string("code") == "a\nb");
  const auto second = reader.next();
  REQUIRE(second);
  check_fails(ExitCode::kBadInput, "d.jsonl:4: 'code' should be a string, found number",
              [&] { JsonObject(*second, reader.where()).string("code"); });
  check_fails(ExitCode::kBadInput, "d.jsonl:5: expected a JSON object, found array",
              [&] { reader.next(); });
  CHECK_FALSE(reader.next());
  write_file(folder / "bad", "{}\n{]");
  JsonlReader bad(folder / "bad");
  CHECK(bad.next());
  check_fails(ExitCode::kBadInput, "bad:2: not valid JSON", [&] { bad.next(); });
}

// Expected: what Python's lzma and json say.
TEST_CASE("jsonl: the shipped functions are read") {
  JsonlReader reader(test::share() / "data/python-functions.jsonl.xz");
  size_t records = 0, bytes = 0;
  while (const auto record = reader.next()) {
    ++records;
    bytes += JsonObject(*record, reader.where()).string("code").size();
  }
  CHECK(records == 1767);
  CHECK(bytes == 1125385);
}

}  // namespace
}  // namespace ssmi::io
