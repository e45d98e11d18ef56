#include "io/zip.h"

#include "io/raw_zip.h"
#include "support.h"

namespace ssmi::io {
namespace {

using test::packed;
using test::raw_zip;
using test::RawEnd;
using test::RawRecord;

ZipRecords read(const std::string& bytes) {
  return read_zip(std::as_bytes(std::span(bytes)), "m.pt");
}

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void refuses(const std::string& message, const std::string& bytes) {
  test::check_fails(ExitCode::kBadInput, message, [&] { read(bytes); });
  test::check_fails(ExitCode::kBadInput, "m.pt: ", [&] { read(bytes); });
}

/// The archive of one record, "a", of four bytes.
void refuses_record(const std::string& message, RawRecord record) {
  record.name = "a";
  record.data = "1234";
  refuses(message, raw_zip({record}));
}

TEST_CASE("zip: records lie where the directory says, zip64 or not") {
  const std::vector<RawRecord> records{{.name = "a", .data = "1234"}, {.name = "b/c", .data = ""}};
  for (const bool zip64 : {false, true}) {
    const std::string bytes = raw_zip(records, {.zip64 = zip64, .comment = "made by hand"});
    const ZipRecords found = read(bytes);
    REQUIRE(found.size() == 2);
    CHECK(text(found.at("a").stored) == "1234");
    CHECK(reinterpret_cast<const char*>(found.at("a").stored.data()) == bytes.data() + 31);
    CHECK(found.at("b/c").stored.empty());
  }
  CHECK(read(raw_zip({})).empty());
}

TEST_CASE("zip: sizes may follow the record, and may be those of zip64") {
  const RawRecord follow{
      .name = "a", .data = "1234", .flags = 0x808, .local_size = 0, .local_stored_size = 0};
  CHECK(text(read(raw_zip({follow})).at("a").stored) == "1234");
  const std::string sizes = packed(uint16_t{9}, uint16_t{1}, uint8_t{0}, uint16_t{1}, uint16_t{16},
                                   uint64_t{4}, uint64_t{4});
  const RawRecord large{.name = "a",
                        .data = "1234",
                        .size = UINT32_MAX,
                        .stored_size = UINT32_MAX,
                        .local_size = UINT32_MAX,
                        .local_stored_size = UINT32_MAX,
                        .extra = sizes,
                        .local_extra = sizes};
  CHECK(text(read(raw_zip({large})).at("a").stored) == "1234");
  const std::string offset = packed(uint16_t{1}, uint16_t{8}, uint64_t{0});
  const RawRecord far{.name = "a", .data = "1234", .offset = UINT32_MAX, .extra = offset};
  CHECK(text(read(raw_zip({far})).at("a").stored) == "1234");
}

TEST_CASE("zip: the directory is found at the end and lies in the file") {
  const std::string whole = raw_zip({{.name = "a", .data = "1234"}});
  refuses("no directory at its end", "");
  refuses("no directory at its end", "PK\x03\x04");
  refuses("no directory at its end", whole.substr(0, whole.size() - 1));
  refuses("no directory at its end", whole + "x");
  const auto refuses_end = [](const std::string& message, const RawEnd& end) {
    refuses(message, raw_zip({{.name = "a", .data = "1234"}}, end));
  };
  for (const bool zip64 : {false, true}) {
    refuses_end("directory does not lie in the file", {.zip64 = zip64, .size = 1 << 20});
    refuses_end("directory does not lie in the file", {.zip64 = zip64, .begin = 1 << 20});
    refuses_end("directory is too short for 9 records", {.zip64 = zip64, .entries = 9});
    refuses_end("directory has more than 0 records", {.zip64 = zip64, .entries = 0});
    refuses_end("directory is damaged", {.zip64 = zip64, .begin = 1});
    refuses_end("is one disk of a zip archive of several", {.zip64 = zip64, .disk = 1});
  }
  refuses_end("directory does not lie in the file",
              {.zip64 = true, .size = UINT64_MAX, .old_entries = UINT16_MAX});
  refuses_end("the archive's two directory records differ", {.zip64 = true, .old_entries = 2});
  refuses_end("no zip64 directory where the archive says", {.zip64 = true, .locator = 0});
  refuses_end("no zip64 directory where the archive says",
              {.zip64 = true, .locator = UINT64_MAX - 8});
}

TEST_CASE("zip: a record is stored and no more than it is") {
  refuses_record("record 'a' is encrypted", {.flags = 1});
  refuses_record("record 'a' is encrypted", {.flags = 1 << 13});
  refuses_record("record 'a' is stored in 4 bytes and has 9", {.size = 9});
  refuses_record("record 'a' does not lie where the directory says", {.offset = 1});
  refuses_record("record 'a' does not lie where the directory says", {.offset = UINT32_MAX});
  refuses_record("record 'a' has 400 bytes, which do not lie in the file",
                 {.size = 400, .stored_size = 400, .local_size = 400, .local_stored_size = 400});
  refuses_record("is one disk of a zip archive of several", {.disk = 1});
  CHECK(read(raw_zip({{.name = "a", .data = "1234", .method = 8}})).at("a").compressed);
}

TEST_CASE("zip: local headers say what the directory says") {
  constexpr auto kMessage = "record 'a' has a header that differs from the directory";
  refuses_record(kMessage, {.local_name = "b"});
  refuses_record(kMessage, {.local_flags = 2048});
  refuses_record(kMessage, {.local_method = 8});
  refuses_record(kMessage, {.local_size = 3});
  refuses_record(kMessage, {.local_stored_size = 3});
  refuses_record(kMessage, {.local_size = 0, .local_stored_size = 0});  // only where they follow
  refuses_record(kMessage, {.local_name = std::string(60'000, 'a')});
  const std::string lie = packed(uint16_t{1}, uint16_t{16}, uint64_t{5}, uint64_t{5});
  refuses_record(kMessage,
                 {.local_size = UINT32_MAX, .local_stored_size = UINT32_MAX, .local_extra = lie});
  refuses_record("record 'a' has 18446744073709551615 bytes, which do not lie in the file",
                 {.flags = 8,
                  .size = UINT32_MAX,
                  .stored_size = UINT32_MAX,
                  .local_size = 0,
                  .local_stored_size = 0,
                  .extra = packed(uint16_t{1}, uint16_t{16}, UINT64_MAX, UINT64_MAX)});
}

TEST_CASE("zip: records neither share bytes nor names") {
  const RawRecord a{.name = "a", .data = "1234"};
  refuses("record 'a' is given twice", raw_zip({a, a}));
  // b's header and bytes lie inside the data of a.
  const std::string inner = raw_zip({{.name = "b", .data = "12"}}).substr(0, 33);
  RawRecord outer{.name = "a", .data = inner};
  std::string bytes = raw_zip({outer, {.name = "b", .data = "12", .offset = 31}});
  refuses("records of the archive overlap", bytes);
}

}  // namespace
}  // namespace ssmi::io
