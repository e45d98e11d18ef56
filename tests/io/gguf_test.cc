#include "ssmi/io/gguf.h"

#include <limits>
#include <string>
#include <vector>

#include "io/allocation.h"
#include "io/blocks.h"
#include "io/raw_gguf.h"
#include "support.h"

namespace ssmi::io {
namespace {

using namespace test::gguf;
using test::check_fails;
using test::TemporaryFolder;

GgufFile open_bytes(const std::string& bytes) {
  const TemporaryFolder folder;
  write_file(folder / "m.gguf", bytes);
  return open_gguf(MappedFile::open(folder / "m.gguf"));
}

void refuses(const std::string& message, const std::string& bytes) {
  check_fails(ExitCode::kBadInput, message, [&] { open_bytes(bytes); });
  check_fails(ExitCode::kBadInput, "m.gguf: ", [&] { open_bytes(bytes); });
}

/// A file of two tensors: 'a' of Q8_0, two rows of one block, and 'b' of F32.
std::string two_tensors() {
  return file({entry("general.architecture", "llama"), entry("n", 7U)},
              {tensor("a", {32, 2}, 8, 0), tensor("b", {3}, 0, 96)},
              padded(std::string(68, 'a')) + padded(std::string(12, 'b')));
}

/// A file of one tensor of 96 bytes of data.
std::string one_tensor(const std::string& entry) {
  return file({}, {entry}, std::string(96, 'x'));
}

TEST_CASE("gguf: tensors are views with reversed shapes") {
  const GgufFile file = open_bytes(two_tensors());
  REQUIRE(file.tensors.size() == 2);
  const GgufTensor& a = file.tensors.at("a");
  CHECK(a.format->name == "Q8_0");
  CHECK(a.shape == std::vector<int64_t>{2, 32});
  CHECK(a.data.size() == 68);
  CHECK(a.data[67] == std::byte{'a'});
  const GgufTensor& b = file.tensors.at("b");
  CHECK(b.shape == std::vector<int64_t>{3});
  CHECK(b.data.size() == 12);
  CHECK(b.data[0] == std::byte{'b'});
}

TEST_CASE("gguf: version 2, no padding after the last tensor, another alignment, no tensors") {
  std::string bytes = two_tensors();
  bytes[4] = 2;
  bytes.resize(bytes.size() - 20);
  CHECK(open_bytes(bytes).tensors.at("b").data.size() == 12);
  const auto wide =
      file({entry("general.alignment", 64U)}, {tensor("b", {1}, 0, 64), tensor("a", {1}, 0, 0)},
           padded("aaaa", 64) + "bbbb", 64);
  CHECK(open_bytes(wide).tensors.at("b").data[0] == std::byte{'b'});
  CHECK(open_bytes(file({}, {}, "")).tensors.empty());
  CHECK(open_bytes(one_tensor(tensor("s", {}, 0, 0)).substr(0, 32 + 32 + 4)).tensors.size() == 1);
}

TEST_CASE("gguf: metadata of every type") {
  const GgufFile file = open_bytes(test::gguf::file(
      {entry("u8", 0, raw(uint8_t{200})), entry("i8", 1, raw(int8_t{-3})),
       entry("u16", 2, raw(uint16_t{60000})), entry("i16", 3, raw(int16_t{-4})),
       entry("u32", 4, raw(4000000000U)), entry("i32", 5, raw(-5)), entry("f32", 0.5F),
       entry("yes", true), entry("no", false), entry("name", "é"),
       entry("list", std::vector<std::string>{"a", "", "c"}),
       entry("types", 9, raw(5U) + raw(uint64_t{2}) + raw(1) + raw(-6)),
       entry("u64", 10, raw(uint64_t{1} << 60)), entry("i64", 11, raw(int64_t{-7})),
       entry("f64", 12, raw(0.25)), entry("huge", 10, raw(UINT64_MAX))},
      {}, ""));
  const GgufMetadata& metadata = file.metadata;
  const auto integer = [&](const char* key) {
    return metadata.integer(key, INT64_MIN, INT64_MAX - 1);
  };
  CHECK(integer("u8") == 200);
  CHECK(integer("i8") == -3);
  CHECK(integer("u16") == 60000);
  CHECK(integer("i16") == -4);
  CHECK(integer("u32") == 4000000000);
  CHECK(integer("i32") == -5);
  CHECK(integer("u64") == int64_t{1} << 60);
  CHECK(integer("i64") == -7);
  CHECK(metadata.number("f32") == 0.5);
  CHECK(metadata.number("f64") == 0.25);
  CHECK(metadata.number("i8") == -3);
  CHECK(metadata.boolean("yes"));
  CHECK_FALSE(metadata.boolean("no"));
  CHECK(metadata.string("name") == "é");
  CHECK(metadata.strings("list") == std::vector<std::string>{"a", "", "c"});
  CHECK(metadata.integers("types", -10, 10) == std::vector<int64_t>{1, -6});
  CHECK_FALSE(metadata.has("none"));
  check_fails(ExitCode::kBadInput, "'huge' should be an integer from", [&] { integer("huge"); });
}

TEST_CASE("gguf: getters say what was expected and found") {
  const GgufFile file =
      open_bytes(test::gguf::file({entry("n", 7U), entry("s", "x"), entry("bad", "\xFF"),
                                   entry("f", 1.5F), entry("list", std::vector<std::string>{"a"}),
                                   entry("ids", 9, raw(5U) + raw(uint64_t{1}) + raw(9))},
                                  {}, ""));
  const GgufMetadata& metadata = file.metadata;
  const auto fails = [](const char* message, auto&& action) {
    check_fails(ExitCode::kBadInput, message, action);
    check_fails(ExitCode::kBadInput, "m.gguf: ", action);
  };
  fails("metadata 'x' is missing", [&] { metadata.string("x"); });
  fails("'n' should be a string, found uint32", [&] { metadata.string("n"); });
  fails("'list' should be a string, found an array of 1 string", [&] { metadata.string("list"); });
  fails("'bad' is not UTF-8", [&] { metadata.string("bad"); });
  fails("'s' should be an integer, found string", [&] { metadata.integer("s", 0, 9); });
  fails("'f' should be an integer, found float32", [&] { metadata.integer("f", 0, 9); });
  fails("'n' should be an integer from 0 to 6, found 7", [&] { metadata.integer("n", 0, 6); });
  fails("'s' should be a number, found string", [&] { metadata.number("s"); });
  fails("'n' should be a bool, found uint32", [&] { metadata.boolean("n"); });
  fails("'n' should be an array of strings, found uint32", [&] { metadata.strings("n"); });
  fails("'ids' should be an array of strings, found an array", [&] { metadata.strings("ids"); });
  fails("'list' should be an array of integers", [&] { metadata.integers("list", 0, 9); });
  fails("element of metadata 'ids' should be from 0 to 8", [&] { metadata.integers("ids", 0, 8); });
}

TEST_CASE("gguf: other versions and byte orders are refused by name") {
  refuses("is no GGUF file", "GGML");
  refuses("is no GGUF file", "");
  refuses("is cut short: the version", "GGUF\x03");
  refuses("is GGUF version 1, expected 2 or 3", header(1, 0, 0));
  refuses("is GGUF version 4, expected 2 or 3", header(4, 0, 0));
  refuses("is a big-endian GGUF file", header(0x03000000, 0, 0));
}

TEST_CASE("gguf: a file cut anywhere before its last tensor's end is refused") {
  const std::string whole = two_tensors();
  for (size_t size = 0; size + 20 < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(test::error_of([&] { open_bytes(whole.substr(0, size)); }).code() == ExitCode::kBadInput);
  }
}

TEST_CASE("gguf: numbers of entries, lengths and extents are held against the file") {
  const test::AllocationWatch watch;
  const uint64_t huge = uint64_t{1} << 62;
  refuses("announces 4611686018427387904 tensors, more than its 24 bytes", header(3, huge, 0));
  refuses("announces 18446744073709551615 metadata entries", header(3, 0, UINT64_MAX));
  refuses("the key of metadata entry 0 has 4611686018427387904 bytes, expected at most 65535",
          header(3, 0, 1) + raw(huge) + "12345678");
  refuses("the key of metadata entry 0 needs 60000 bytes, 8 are left",
          header(3, 0, 1) + raw(uint64_t{60000}) + "12345678");
  refuses("metadata 'k' needs 18446744073709551615 bytes",
          header(3, 0, 1) + entry("k", 8, raw(UINT64_MAX)));
  refuses("metadata 'k' has 4611686018427387904 elements, 4 bytes",
          header(3, 0, 1) + entry("k", 9, raw(4U) + raw(huge) + "1234"));
  refuses("metadata 'k' has 4611686018427387904 elements",
          header(3, 0, 1) + entry("k", 9, raw(8U) + raw(huge) + "12345678"));
  refuses("shape [4611686018427387904, 4] of F32, more than any file",
          one_tensor(tensor("t", {4, huge}, 0, 0)));
  refuses("shape [2305843009213693952, 2] of F32, more than any file",
          one_tensor(tensor("t", {2, huge / 2}, 0, 0)));
  refuses("an extent of 18446744073709551615", one_tensor(tensor("t", {UINT64_MAX}, 0, 0)));
  if (test::AllocationWatch::kSees) CHECK(watch.largest() < 100'000);
}

TEST_CASE("gguf: entries that are not what the format allows are refused") {
  refuses("metadata 'k' has type 13, expected 0 to 12", header(3, 0, 1) + entry("k", 13, "1234"));
  refuses("metadata 'k' is an array of arrays",
          header(3, 0, 1) + entry("k", 9, raw(9U) + raw(uint64_t{1}) + raw(0U) + raw(uint64_t{0})));
  refuses("metadata 'k' is given twice", file({entry("k", 1U), entry("k", "x")}, {}, ""));
  refuses("the key of metadata entry 0 is not UTF-8", file({entry("\xC3(", 1U)}, {}, ""));
  refuses("the name of tensor 0 is not UTF-8", one_tensor(tensor("\x80", {24}, 0, 0)));
  refuses("'general.alignment' should be a power of two, found 48",
          file({entry("general.alignment", 48U)}, {}, ""));
  refuses("'general.alignment' should be an integer from 1",
          file({entry("general.alignment", 0U)}, {}, ""));
  refuses("tensor 't' has 5 dimensions, expected at most 4",
          one_tensor(tensor("t", {1, 1, 1, 1, 24}, 0, 0)));
  refuses("tensor 't' has type 99, which is none that is known",
          one_tensor(tensor("t", {24}, 99, 0)));
  refuses("shape [48] of Q8_0, whose blocks of 32 do not fill its rows",
          one_tensor(tensor("t", {48}, 8, 0)));
  refuses("tensor 't' is given twice",
          file({}, {tensor("t", {1}, 0, 0), tensor("t", {1}, 0, 32)}, std::string(64, 'x')));
}

TEST_CASE("gguf: a type that is not read is refused by name, with the way out") {
  const std::string bytes = one_tensor(tensor("blk.0.ffn_up.weight", {256}, 12, 0));
  refuses("tensor 'blk.0.ffn_up.weight' is stored as Q4_K; read are F32, F16, BF16, Q4_0", bytes);
  refuses("llama-quantize --allow-requantize m.gguf", bytes);
}

TEST_CASE("gguf: tensors tile the data, each aligned") {
  refuses("tensor 't' takes 100 bytes from 0 on and leaves the file, which has 96 bytes",
          one_tensor(tensor("t", {25}, 0, 0)));
  refuses("tensor 't' takes 4 bytes from 18446744073709551584 on",
          one_tensor(tensor("t", {1}, 0, UINT64_MAX - 31)));
  refuses("tensor 't' begins at 4, expected a multiple of 32", one_tensor(tensor("t", {23}, 0, 4)));
  refuses("32 bytes before tensor 't' belong to no tensor", one_tensor(tensor("t", {16}, 0, 32)));
  refuses("the last 64 bytes belong to no tensor", one_tensor(tensor("t", {8}, 0, 0)));
  refuses("tensor 'u' overlaps another tensor",
          file({}, {tensor("t", {16}, 0, 0), tensor("u", {16}, 0, 32)}, std::string(96, 'x')));
}

}  // namespace
}  // namespace ssmi::io
