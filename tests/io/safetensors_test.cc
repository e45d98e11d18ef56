#include "ssmi/io/safetensors.h"

#include "io/raw_safetensors.h"
#include "support.h"

namespace ssmi::io {
namespace {

using test::check_fails;
using test::header_entry;
using test::raw_safetensors;
using test::TemporaryFolder;

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Opens a file of these bytes.
SafetensorsFile open_bytes(const std::string& bytes) {
  const TemporaryFolder folder;
  write_file(folder / "m.safetensors", bytes);
  return open_safetensors(folder / "m.safetensors");
}

SafetensorsFile open_raw(const std::string& header, const std::string& data = "") {
  return open_bytes(raw_safetensors(header, data));
}

/// The file of this header and data is refused with this text in the message.
void refuses(const std::string& message, const std::string& header, const std::string& data = "") {
  check_fails(ExitCode::kBadInput, message, [&] { open_raw(header, data); });
  check_fails(ExitCode::kBadInput, "m.safetensors: ", [&] { open_raw(header, data); });
}

/// Refuses with one tensor named "t" and 8 bytes of data.
void refuses_tensor(const std::string& message, const std::string& dtype, const std::string& shape,
                    const std::string& offsets) {
  refuses(message, "{" + header_entry("t", dtype, shape, offsets) + "}", "12345678");
}

TEST_CASE("safetensors: a file is opened as it was written") {
  const auto file = open_raw("{" + header_entry("b", "F32", "[2,1]", "[0,8]") + ", " +
                                 header_entry("a", "U8", "[3]", "[8,11]") +
                                 R"(,"__metadata__":{"format":"pt","":""}}  )",
                             "12345678abc");
  REQUIRE(file.tensors.size() == 2);
  const TensorView& a = file.tensors.at("a");
  CHECK(a.dtype == Dtype::kU8);
  CHECK(a.shape == std::vector<int64_t>{3});
  CHECK(text(a.data) == "abc");
  CHECK(file.tensors.at("b").shape == std::vector<int64_t>{2, 1});
  CHECK(text(file.tensors.at("b").data) == "12345678");
  CHECK(file.metadata == std::map<std::string, std::string>{{"format", "pt"}, {"", ""}});
}

TEST_CASE("safetensors: scalars, empty tensors and no tensors are fine") {
  CHECK(open_raw("{}").tensors.empty());
  const auto file = open_raw("{" + header_entry("s", "F64", "[]", "[0,8]") + "," +
                                 header_entry("e", "F32", "[4,0]", "[0,0]") + "," +
                                 header_entry("z", "F32", "[0]", "[8,8]") + "}",
                             "12345678");
  CHECK(file.tensors.at("s").data.size() == 8);
  CHECK(file.tensors.at("e").data.empty());
}

TEST_CASE("safetensors: a view keeps its file mapped") {
  TensorView view;
  {
    auto file = open_raw("{" + header_entry("t", "U8", "[3]", "[0,3]") + "}", "xyz");
    view = file.tensors.at("t");
  }
  CHECK(text(view.data) == "xyz");
}

TEST_CASE("safetensors: header length") {
  const auto of_length = [](uint64_t length, const std::string& rest) {
    return std::string(reinterpret_cast<const char*>(&length), sizeof length) + rest;
  };
  const auto refuses_bytes = [](const std::string& message, const std::string& bytes) {
    check_fails(ExitCode::kBadInput, message, [&] { open_bytes(bytes); });
  };
  refuses_bytes("has 0 bytes, a safetensors file has at least 8", "");
  refuses_bytes("has 7 bytes", "1234567");
  refuses_bytes("a header of 100000001 bytes, expected at most 100000000",
                of_length(100'000'001, "{}"));
  refuses_bytes("a header of 18446744073709551615 bytes", of_length(UINT64_MAX, "{}"));
  refuses_bytes("cut short: announces a header of 3 bytes, only 2 follow", of_length(3, "{}"));
  refuses_bytes("the header does not begin with '{'", of_length(0, ""));
  refuses_bytes("the header does not begin with '{'", of_length(3, " {}"));
  refuses_bytes("the header does not begin with '{'", of_length(2, "[]"));
  refuses_bytes("Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n");
}

TEST_CASE("safetensors: the header is one JSON object") {
  refuses("not valid JSON", "{");
  refuses("not valid JSON", "{}x");
  refuses("not valid JSON", "{} {}");
  refuses("not valid JSON", R"({"a":})");
  refuses("not valid JSON", "{\"\xff\":{}}");  // not UTF-8
  refuses("not valid JSON", std::string("{}\0", 3));
  refuses("not valid JSON", R"({"a":{"shape":[1e400]}})");
  refuses("'a' is given twice", "{" + header_entry("a", "U8", "[0]", "[0,0]") + "," +
                                    header_entry("a", "U8", "[0]", "[0,0]") + "}");
  refuses("'\x3f' is given twice", R"({"\u001b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                                   R"("\u001b":1})");
}

TEST_CASE("safetensors: nesting goes no deeper than the format") {
  refuses("tensor 'a' should be an object, found a list", R"({"a":)" + std::string(100'000, '['));
  refuses("'shape' of tensor 'a' should be a list of non-negative integers, found a list",
          R"({"a":{"shape":)" + std::string(100'000, '['));
  refuses("'dtype' of tensor 'a' should be a string, found an object", R"({"a":{"dtype":{}}})");
  refuses("metadata 'k' should be a string, found an object", R"({"__metadata__":{"k":{}}})");
}

TEST_CASE("safetensors: a tensor's entry has three keys of the right types") {
  for (const char* value : {"1", "-1", "1.5", "null", "true", "\"x\"", "[]"}) {
    refuses("tensor 'a' should be an object", R"({"a":)" + std::string(value) + "}");
  }
  for (const char* value : {"1", "-1", "1.5", "null", "true", "[]", "{}"}) {
    refuses("'dtype' of tensor 'a' should be a string",
            R"({"a":{"dtype":)" + std::string(value) + "}}");
  }
  for (const char* value :
       {"1", "null", "true", "\"x\"", "{}", "[-1]", "[1.0]", "[null]", "[\"1\"]", "[[1]]",
        "[9223372036854775808]", "[18446744073709551616]"}) {
    refuses("'shape' of tensor 'a' should be a list of non-negative integers",
            R"({"a":{"shape":)" + std::string(value) + "}}");
  }
  for (const char* value :
       {"1", "null", "\"x\"", "{}", "[]", "[1]", "[1,2,3]", "[-1,2]", "[0,1.0]"}) {
    refuses("'data_offsets' of tensor 'a' should be a list of two non-negative integers",
            R"({"a":{"data_offsets":)" + std::string(value) + "}}");
  }
  refuses("tensor 'a' has no 'dtype'", R"({"a":{"shape":[0],"data_offsets":[0,0]}})");
  refuses("tensor 'a' has no 'shape'", R"({"a":{"dtype":"U8","data_offsets":[0,0]}})");
  refuses("tensor 'a' has no 'data_offsets'", R"({"a":{"dtype":"U8","shape":[0]}})");
  refuses("unknown key 'strides'", R"({"a":{"dtype":"U8","strides":[1]}})");
  refuses("'dtype' of tensor 'a' is given twice", R"({"a":{"dtype":"U8","dtype":"U8"}})");
}

TEST_CASE("safetensors: metadata maps strings to strings") {
  refuses("'__metadata__' should be an object, found a string", R"({"__metadata__":"pt"})");
  refuses("metadata 'n' should be a string, found 1", R"({"__metadata__":{"n":1}})");
  refuses("metadata 'n' should be a string, found null", R"({"__metadata__":{"n":null}})");
  refuses("metadata 'n' should be a string, found a list", R"({"__metadata__":{"n":[]}})");
  refuses("metadata 'n' is given twice", R"({"__metadata__":{"n":"","n":""}})");
  refuses("'__metadata__' is given twice", R"({"__metadata__":{},"__metadata__":{}})");
  std::string many = R"({"__metadata__":{"0":"")";
  for (int i = 1; i <= 100'000; ++i)
    many += ",\"" + std::to_string(i) + "\":\"\"";
  refuses("'__metadata__' has more than 100000 entries", many + "}}");
}

TEST_CASE("safetensors: dtypes are those of whole bytes") {
  refuses_tensor("tensor 't' has dtype 'F128', expected one of BOOL, U8, I8,", "F128", "[2]",
                 "[0,8]");
  refuses_tensor("has dtype 'f32'", "f32", "[2]", "[0,8]");
  for (const char* name : {"F4", "F6_E2M3", "F6_E3M2"}) {
    refuses_tensor("has dtype '" + std::string(name), name, "[8]", "[0,8]");
  }
}

TEST_CASE("safetensors: shape and offsets agree") {
  refuses_tensor("has shape [2, 2] of F32, which takes 16 bytes, but its data_offsets hold 8",
                 "F32", "[2,2]", "[0,8]");
  refuses_tensor("has shape [] of F32, which takes 4 bytes", "F32", "[]", "[0,8]");
  refuses_tensor("data_offsets [8, 0] of tensor 't' end before they begin", "U8", "[8]", "[8,0]");
  refuses_tensor(
      "data_offsets [0, 9] of tensor 't' lie outside the file, which has 8 bytes of data", "U8",
      "[9]", "[0,9]");
  refuses_tensor("lie outside the file", "U8", "[1]",
                 "[18446744073709551614,18446744073709551615]");
  // 2^62 * 4 and 2^32 * 2^32 wrap around to 0.
  refuses_tensor("more than any file holds", "F32", "[4611686018427387904]", "[0,0]");
  refuses_tensor("more than any file holds", "U8", "[4294967296,4294967296]", "[0,0]");
  std::string shape = "[1";
  for (int i = 0; i < 63; ++i)
    shape += ",1";
  CHECK(open_raw("{" + header_entry("t", "F64", shape + "]", "[0,8]") + "}", "12345678")
            .tensors.at("t")
            .shape.size() == 64);
  refuses_tensor("has more than 64 dimensions", "F64", shape + ",1]", "[0,8]");
}

TEST_CASE("safetensors: tensors neither overlap nor leave holes") {
  const auto pair = [](const std::string& first, const std::string& second) {
    return "{" + header_entry("a", "U8", "[4]", first) + "," +
           header_entry("b", "U8", "[4]", second) + "}";
  };
  CHECK(open_raw(pair("[4,8]", "[0,4]"), "12345678").tensors.size() == 2);
  refuses("tensors 'a' and 'b' overlap", pair("[0,4]", "[0,4]"), "1234");
  refuses("tensors 'b' and 'a' overlap", pair("[3,7]", "[0,4]"), "1234567");
  refuses("1 bytes before tensor 'b' belong to no tensor", pair("[0,4]", "[5,9]"), "123456789");
  refuses("1 bytes before tensor 'a' belong to no tensor", pair("[1,5]", "[5,9]"), "123456789");
  refuses("the last 2 bytes belong to no tensor", pair("[0,4]", "[4,8]"), "1234567890");
  refuses("the last 1 bytes belong to no tensor", "{}", "1");
  refuses("tensors 'a' and 'e' overlap",
          "{" + header_entry("a", "U8", "[4]", "[0,4]") + "," +
              header_entry("e", "U8", "[0]", "[2,2]") + "}",
          "1234");
}

TEST_CASE("safetensors: names in messages are short and harmless") {
  const std::string name(1'000'000, 'x');
  const Error error = test::error_of([&] { open_raw("{\"" + name + "\":1}"); });
  CHECK(std::string(error.what()).size() < 400);
  const Error unclosed = test::error_of([&] { open_raw("{\"" + name); });
  CHECK(std::string(unclosed.what()).size() < 600);
}

TEST_CASE("safetensors: what cannot be opened is a matter of the disk") {
  const TemporaryFolder folder;
  check_fails(ExitCode::kDisk, "gone.safetensors",
              [&] { open_safetensors(folder / "gone.safetensors"); });
  check_fails(ExitCode::kDisk, "is a folder", [&] { open_safetensors(folder.path()); });
}

const std::map<std::string, int64_t> kSizes{
    {"BOOL", 1}, {"U8", 1},          {"I8", 1},          {"F8_E4M3", 1}, {"F8_E5M2", 1},
    {"F16", 2},  {"F8_E4M3FNUZ", 1}, {"F8_E5M2FNUZ", 1}, {"I16", 2},     {"U16", 2},
    {"BF16", 2}, {"F8_E8M0", 1},     {"F32", 4},         {"I32", 4},     {"U32", 4},
    {"F64", 8},  {"I64", 8},         {"U64", 8},         {"C64", 8}};

TEST_CASE("safetensors: every dtype makes the round trip, aligned") {
  std::vector<std::byte> bytes(48);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(i * 37);
  std::vector<TensorBytes> tensors;
  for (const auto& [name, size] : kSizes) {
    const auto dtype = dtype_from_name(name);
    REQUIRE(dtype);
    CHECK(dtype_name(*dtype) == name);
    CHECK(dtype_size(*dtype) == size);
    tensors.push_back(
        {name, *dtype, {3, 1}, std::span(bytes).first(static_cast<size_t>(3 * size))});
  }
  const TemporaryFolder folder;
  write_safetensors(folder / "m.safetensors", tensors, {{"k", "v \"\u00e9\n"}});
  const auto file = open_safetensors(folder / "m.safetensors");
  CHECK(file.metadata == std::map<std::string, std::string>{{"k", "v \"\u00e9\n"}});
  REQUIRE(file.tensors.size() == kSizes.size());
  for (const TensorBytes& tensor : tensors) {
    const TensorView& view = file.tensors.at(tensor.name);
    CHECK(view.dtype == tensor.dtype);
    CHECK(view.shape == tensor.shape);
    CHECK(text(view.data) == text(tensor.data));
    CHECK(reinterpret_cast<uintptr_t>(view.data.data()) % kSizes.at(tensor.name) == 0);
  }
}

TEST_CASE("safetensors: what is written is known byte by byte") {
  const std::string data = "abcdefgh";
  const auto bytes = std::as_bytes(std::span(data));
  const std::vector<TensorBytes> tensors{{"b", Dtype::kU8, {2}, bytes.first(2)},
                                         {"\"", Dtype::kF32, {}, bytes.subspan(2, 4)},
                                         {"a", Dtype::kU8, {1, 2}, bytes.last(2)},
                                         {"e", Dtype::kU8, {0}, {}}};
  const TemporaryFolder folder;
  write_safetensors(folder / "m", tensors, {{"z", "1"}, {"a", "2"}});
  std::string header =
      R"({"__metadata__":{"a":"2","z":"1"},)" + header_entry("\\\"", "F32", "[]", "[0,4]") + "," +
      header_entry("b", "U8", "[2]", "[4,6]") + "," + header_entry("a", "U8", "[1,2]", "[6,8]") +
      "," + header_entry("e", "U8", "[0]", "[8,8]") + "}";
  while (header.size() % 8 != 0)
    header += ' ';
  CHECK(read_file(folder / "m", 10'000) == raw_safetensors(header, "cdefabgh"));
  write_safetensors(folder / "none", {});
  CHECK(read_file(folder / "none", 100) == raw_safetensors("{}      ", ""));
  CHECK(open_safetensors(folder / "none").tensors.empty());
}

TEST_CASE("safetensors: what cannot be written leaves no file") {
  const TemporaryFolder folder;
  const std::string data = "abcd";
  const auto bytes = std::as_bytes(std::span(data));
  const auto writing = [&](std::vector<TensorBytes> tensors) {
    return [&folder, tensors = std::move(tensors)] { write_safetensors(folder / "m", tensors); };
  };
  const TensorBytes good{"t", Dtype::kF32, {1}, bytes};
  check_fails(ExitCode::kBug, "'t' cannot be written twice", writing({good, good}));
  check_fails(ExitCode::kBug, "'__metadata__'",
              writing({{"__metadata__", Dtype::kU8, {4}, bytes}}));
  check_fails(ExitCode::kBug, "shape [2] has 4 bytes of F32",
              writing({{"t", Dtype::kF32, {2}, bytes}}));
  check_fails(ExitCode::kBug, "shape [-1] is more than any file holds",
              writing({{"t", Dtype::kF32, {-1}, bytes}}));
  check_fails(ExitCode::kBadInput, "not UTF-8", writing({{"\xff", Dtype::kF32, {1}, bytes}}));
  check_fails(ExitCode::kDisk, "cannot create",
              [&] { write_safetensors(folder / "no/m", std::span(&good, 1)); });
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("safetensors: pieces in any order make the file that whole tensors make") {
  const TemporaryFolder folder;
  const std::string a = "abcdefgh", b = "ij";
  const std::vector<TensorBytes> whole{{"b", Dtype::kU8, {2}, std::as_bytes(std::span(b))},
                                       {"a", Dtype::kF32, {2}, std::as_bytes(std::span(a))}};
  write_safetensors(folder / "whole", whole, {{"k", "v"}});
  const std::vector<TensorSpec> specs{{"b", Dtype::kU8, {2}}, {"a", Dtype::kF32, {2}}};
  {
    SafetensorsWriter writer(folder / "pieces", specs, {{"k", "v"}});
    writer.write("a", 4, std::as_bytes(std::span(a).subspan(4)));
    writer.write("b", 0, std::as_bytes(std::span(b)));
    writer.write("a", 0, std::as_bytes(std::span(a).first(4)));
    check_fails(ExitCode::kBug, "'a' has no 5 bytes at 4",
                [&] { writer.write("a", 4, std::as_bytes(std::span(a).first(5))); });
    check_fails(ExitCode::kBug, "'a' has no 1 bytes at 9",
                [&] { writer.write("a", 9, std::as_bytes(std::span(a).first(1))); });
    check_fails(ExitCode::kBug, "'c' has no", [&] { writer.write("c", 0, {}); });
    CHECK(!std::filesystem::exists(folder / "pieces"));
    writer.finish();
    CHECK(std::filesystem::file_size(folder / "pieces") == writer.size());
  }
  CHECK(read_file(folder / "pieces", 1000) == read_file(folder / "whole", 1000));
  { const SafetensorsWriter dropped(folder / "dropped", specs); }
  CHECK(!std::filesystem::exists(folder / "dropped"));
}

TEST_CASE("safetensors: more than the disk holds is said before anything is written") {
  const TemporaryFolder folder;
  const std::vector<TensorSpec> huge{{"t", Dtype::kU8, {int64_t{1} << 62}}};
  check_fails(ExitCode::kDisk, "cannot take 4611686018427",
              [&] { const SafetensorsWriter writer(folder / "m", huge); });
  CHECK(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace ssmi::io
