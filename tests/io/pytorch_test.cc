#include "ssmi/io/pytorch.h"

#include "io/allocation.h"
#include "io/raw_torch.h"
#include "support.h"

namespace ssmi::io {
namespace {

using namespace test::pickle;
using test::check_fails;
using test::raw_zip;
using test::RawLegacy;
using test::RawRecord;
using test::Storages;
using test::TemporaryFolder;
using test::torch_legacy;
using test::torch_records;
using test::torch_zip;

using Pairs = std::vector<std::pair<Bytes, Bytes>>;

WeightFile open_bytes(const std::string& bytes) {
  const TemporaryFolder folder;
  write_file(folder / "m.pt", bytes);
  return open_weights(folder / "m.pt");
}

void refuses(const std::string& message, const std::string& bytes) {
  check_fails(ExitCode::kBadInput, message, [&] { open_bytes(bytes); });
  check_fails(ExitCode::kBadInput, "m.pt: ", [&] { open_bytes(bytes); });
}

/// The archive of this value, with a storage '0' of eight bytes, is refused.
void refuses_value(const std::string& message, const Bytes& value) {
  refuses(message, torch_zip(value, {{"0", "12345678"}}));
}

void refuses_tensor(const std::string& message, const Bytes& tensor) {
  refuses_value(message, dict({{text("t"), tensor}}));
}

std::string data(const TensorView& view) {
  return {reinterpret_cast<const char*>(view.data.data()), view.data.size()};
}

TEST_CASE("pytorch: a state dict of the zip format") {
  const Bytes value = dict({{text("b"), vector("0", 2)}, {text("a"), vector("1", 1)}});
  const auto file = open_bytes(torch_zip(value, {{"0", "12345678"}, {"1", "abcd"}}));
  REQUIRE(file.tensors.size() == 2);
  CHECK(file.notes.empty());
  CHECK(file.tensors.at("b").dtype == Dtype::kF32);
  CHECK(file.tensors.at("b").shape == std::vector<int64_t>{2});
  CHECK(data(file.tensors.at("b")) == "12345678");
  CHECK(data(file.tensors.at("a")) == "abcd");
}

/// vector("0", 2) in the old format, where a storage has a sixth field.
Bytes legacy_vector() {
  return tensor(tuple({text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"),
                       integer(2), none()}) +
                    "Q",
                0, {2}, {1});
}

const std::string kLegacyStorage = raw(int64_t{2}) + "12345678";

TEST_CASE("pytorch: a state dict of the format before 1.6") {
  const RawLegacy whole{dict({{text("a"), legacy_vector()}}), {"0"}, kLegacyStorage};
  const auto file = open_bytes(torch_legacy(whole));
  REQUIRE(file.tensors.size() == 1);
  CHECK(data(file.tensors.at("a")) == "12345678");

  const auto refuses_legacy = [&](const std::string& message, auto&& change) {
    RawLegacy changed = whole;
    change(changed);
    refuses(message, torch_legacy(changed));
  };
  const auto little = [](const Bytes& value) { return dict({{text("little_endian"), value}}); };
  refuses_legacy("another version than 1001", [](auto& f) { f.version = integer(1000); });
  refuses_legacy("another version than 1001", [](auto& f) { f.version = none(); });
  refuses_legacy("not written on a little-endian machine",
                 [&](auto& f) { f.machine = little(boolean(false)); });
  refuses_legacy("not written on a little-endian machine", [](auto& f) { f.machine = "}"; });
  refuses_legacy("not written on a little-endian machine", [](auto& f) { f.machine = "]"; });
  refuses_legacy("storage '1' is listed twice or belongs to no tensor",
                 [](auto& f) { f.keys = {"1"}; });
  refuses_legacy("storage '0' is listed twice or belongs to no tensor",
                 [](auto& f) { f.keys = {"0", "0"}; });
  refuses_legacy("storage '0' is missing from the file", [](auto& f) {
    f.keys.clear();
    f.storages.clear();
  });
  refuses_legacy("is cut short: storage '0' should have 8 bytes",
                 [](auto& f) { f.storages.pop_back(); });
  refuses_legacy("is cut short: storage '0' should have 8 bytes",
                 [](auto& f) { f.storages.resize(7); });
  refuses_legacy("storage '0' should have 2 elements, has 3",
                 [](auto& f) { f.storages[0] = '\x03'; });
  refuses_legacy("the last 1 bytes belong to no storage", [](auto& f) { f.storages += "x"; });
  refuses_legacy("storage '0' is described in two ways", [](auto& f) {
    f.value = dict({{text("a"), legacy_vector()}, {text("b"), vector("0", 3)}});
  });
}

TEST_CASE("pytorch: the old format's list of storages is a list of texts") {
  const std::string magic = pickled("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19");
  const std::string head = magic + pickled(integer(1001)) +
                           pickled(dict({{text("little_endian"), boolean(true)}})) + pickled("}");
  refuses("has no list of storages", head + pickled("}"));
  refuses("a storage whose key is no text", head + pickled(list({integer(0)})));
  refuses("is cut short", magic);
  refuses("is cut short", head);
  // Protocol 4 puts a frame around each pickle.
  const std::string framed = "\x80\x04\x95" + raw(uint64_t{13}) + magic.substr(2);
  refuses("another version than 1001", framed + pickled(integer(7)));
}

TEST_CASE("pytorch: every storage class has its element type") {
  const std::vector<std::pair<std::string, Dtype>> types{
      {"Bool", Dtype::kBool},  {"Byte", Dtype::kU8},         {"Char", Dtype::kI8},
      {"Short", Dtype::kI16},  {"Int", Dtype::kI32},         {"Long", Dtype::kI64},
      {"Half", Dtype::kF16},   {"BFloat16", Dtype::kBF16},   {"Float", Dtype::kF32},
      {"Double", Dtype::kF64}, {"ComplexFloat", Dtype::kC64}};
  for (const auto& [name, dtype] : types) {
    const auto size = static_cast<size_t>(dtype_size(dtype));
    const Bytes value = dict({{text("t"), tensor(storage(name + "Storage", "0", 3), 1, {2}, {1})}});
    const std::string bytes = std::string(size, 'x') + std::string(2 * size, 'y');
    const auto file = open_bytes(torch_zip(value, {{"0", bytes}}));
    CHECK(file.tensors.at("t").dtype == dtype);
    CHECK(data(file.tensors.at("t")) == std::string(2 * size, 'y'));
  }
  refuses_tensor("holds a torch.ComplexDoubleStorage, whose element type is not read",
                 tensor(storage("ComplexDoubleStorage", "0", 1), 0, {1}, {1}));
  refuses_tensor("holds a torch.QInt8Storage, whose element type is not read",
                 tensor(storage("QInt8Storage", "0", 1), 0, {1}, {1}));
}

Bytes rebuilt(const std::string& function, const std::vector<Bytes>& arguments) {
  return call(global("torch._utils", function), arguments);
}

const Bytes kUntyped = tuple({text("storage"), global("torch.storage", "UntypedStorage"), text("0"),
                              text("cpu"), integer(8)}) +
                       "Q";

TEST_CASE("pytorch: every function that rebuilds a tensor") {
  const auto opened = [](const Bytes& value) {
    return open_bytes(torch_zip(dict({{text("t"), value}}), {{"0", "12345678"}})).tensors.at("t");
  };
  const Bytes two = integers({2}), one = integers({1}), no = boolean(false);
  const Bytes storage2 = storage("FloatStorage", "0", 2);
  CHECK(opened(rebuilt("_rebuild_tensor", {storage2, integer(0), two, one})).data.size() == 8);
  for (const Bytes& metadata : {Bytes("}"), none()}) {
    CHECK(opened(rebuilt("_rebuild_tensor_v2", {storage2, integer(0), two, one, no, "}", metadata}))
              .dtype == Dtype::kF32);
  }
  CHECK(opened(rebuilt("_rebuild_tensor_v3", {kUntyped, integer(1), integers({3}), one, no, "}",
                                              global("torch", "uint16")}))
            .dtype == Dtype::kU16);
  CHECK(opened(rebuilt("_rebuild_parameter", {vector("0", 2), boolean(true), "}"})).data.size() ==
        8);
  const Bytes size = call(global("torch", "Size"), {two});
  CHECK(opened(rebuilt("_rebuild_tensor", {storage2, integer(0), size, one})).shape ==
        std::vector<int64_t>{2});
}

TEST_CASE("pytorch: arguments are those that torch.save writes") {
  const Bytes one = integers({1}), two = integers({2}), no = boolean(false);
  const Bytes storage2 = storage("FloatStorage", "0", 2);
  const auto refuses_arguments = [](const std::string& function,
                                    const std::vector<Bytes>& arguments) {
    refuses_tensor("the arguments of " + function + " are not what torch.save writes",
                   rebuilt(function, arguments));
  };
  refuses_arguments("_rebuild_tensor", {});
  refuses_arguments("_rebuild_tensor", {storage2, integer(0), one});
  refuses_arguments("_rebuild_tensor", {storage2, integer(0), one, one, one});
  refuses_arguments("_rebuild_tensor", {storage2, integer(-1), one, one});
  refuses_arguments("_rebuild_tensor", {storage2, integer(0), integers({-1}), one});
  refuses_arguments("_rebuild_tensor", {storage2, integer(0), one, integers({-1})});
  refuses_arguments("_rebuild_tensor", {storage2, integer(0), one, integers({1, 1})});
  refuses_arguments("_rebuild_tensor", {storage2, integer(0), tuple({none()}), one});
  refuses_arguments("_rebuild_tensor", {storage2, text("0"), one, one});
  refuses_arguments("_rebuild_tensor", {text("storage"), integer(0), one, one});
  refuses_arguments("_rebuild_tensor", {kUntyped, integer(0), one, one});
  refuses_arguments("_rebuild_tensor_v2", {storage2, integer(0), two, one, none(), "}"});
  refuses_arguments("_rebuild_tensor_v2", {storage2, integer(0), two, one, no, none()});
  // The conjugate bit would change the values.
  refuses_arguments("_rebuild_tensor_v2", {storage2, integer(0), two, one, no, "}",
                                           dict({{text("conj"), boolean(true)}})});
  refuses_arguments("_rebuild_tensor_v3",
                    {storage2, integer(0), two, one, no, "}", global("torch", "uint16")});
  refuses_arguments("_rebuild_tensor_v3",
                    {kUntyped, integer(0), two, one, no, "}", global("torch", "FloatStorage")});
  refuses_arguments("_rebuild_parameter", {text("t"), no, "}"});
  refuses_tensor("the arguments of OrderedDict", call(global("collections", "OrderedDict"), {"]"}));
  refuses_tensor("the arguments of Size", call(global("torch", "Size"), {"]"}));
  const Bytes many = integers(std::vector<int64_t>(65, 1));
  refuses_tensor("the arguments of Size", call(global("torch", "Size"), {many}));
  refuses_tensor("a tensor has more than 64 dimensions",
                 rebuilt("_rebuild_tensor", {storage2, integer(0), many, many}));
  refuses_tensor("calls a type of torch", call(global("torch", "FloatStorage"), {integer(1)}));
  refuses_tensor("calls a type of torch", call(global("torch", "uint16"), {}));
}

TEST_CASE("pytorch: a persistent id is a storage") {
  const auto refuses_id = [](const Bytes& id) {
    refuses_tensor("the arguments of a persistent id are not what torch.save writes", id + "Q");
  };
  const Bytes type = global("torch", "FloatStorage");
  const Bytes key = text("0"), cpu = text("cpu"), count = integer(2);
  refuses_id(text("0"));
  refuses_id(tuple({}));
  refuses_id(tuple({text("module"), type, key, cpu, count}));
  refuses_id(tuple({text("storage"), global("torch", "uint16"), key, cpu, count}));
  refuses_id(tuple({text("storage"), type, integer(0), cpu, count}));
  refuses_id(tuple({text("storage"), type, key, cpu, integer(-1)}));
  refuses_id(tuple({text("storage"), type, key, cpu}));
  refuses_id(
      tuple({text("storage"), type, key, cpu, count, tuple({key, count, count})}));  // a view
  refuses_id(tuple({text("storage"), type, key, cpu, count, none(), none()}));
}

TEST_CASE("pytorch: a tensor stays in its storage") {
  const auto of = [](int64_t offset, const std::vector<int64_t>& shape,
                     const std::vector<int64_t>& strides) {
    return tensor(storage("FloatStorage", "0", 2), offset, shape, strides);
  };
  refuses_tensor("tensor 't' of shape [3], strides [1], offset 0 leaves its storage of 2",
                 of(0, {3}, {1}));
  constexpr int64_t kMost = INT64_MAX;
  refuses_tensor("leaves its storage of 2", of(1, {2}, {1}));
  refuses_tensor("leaves its storage of 2", of(2, {1}, {1}));
  refuses_tensor("leaves its storage of 2", of(3, {0}, {1}));
  refuses_tensor("leaves its storage of 2", of(kMost, {1}, {1}));
  refuses_tensor("leaves its storage of 2", of(0, {2}, {2}));
  refuses_tensor("leaves its storage of 2", of(0, {2}, {kMost}));
  refuses_tensor("leaves its storage of 2", of(0, {3, 3}, {kMost / 2, kMost / 2}));
  refuses_tensor("leaves its storage of 2", of(0, {1LL << 62, 4}, {0, 0}));  // 2^64 wraps to 0
  refuses_tensor("tensor 't' is expanded: 3 elements in a storage of 2", of(0, {3}, {0}));
  refuses_tensor("tensor 't' is expanded", of(0, {1LL << 40}, {0}));
  refuses_tensor("storage '1' is missing from the archive", vector("1", 2));
  refuses_tensor("storage '0' should have 12 bytes, its record has 8", vector("0", 3));
  refuses_tensor("storage '0' has 9223372036854775807 elements, more than any file holds",
                 vector("0", kMost));
}

TEST_CASE("pytorch: tensors that are not row-major are copied, others are not") {
  const auto opened = [](const Bytes& value) {
    return open_bytes(torch_zip(dict({{text("t"), value}}), {{"0", "abcdef"}})).tensors.at("t");
  };
  const Bytes six = storage("ByteStorage", "0", 6);
  CHECK(data(opened(tensor(six, 0, {2, 3}, {3, 1}))) == "abcdef");
  CHECK(data(opened(tensor(six, 0, {3, 2}, {1, 3}))) == "adbecf");
  CHECK(data(opened(tensor(six, 1, {2}, {3}))) == "be");
  CHECK(data(opened(tensor(six, 2, {2, 2}, {0, 1}))) == "cdcd");
  CHECK(data(opened(tensor(six, 5, {}, {}))) == "f");
  CHECK(data(opened(tensor(six, 0, {1, 3, 1}, {77, 1, 99}))) == "abc");  // of extent 1: any stride
  CHECK(opened(tensor(six, 6, {0, 4}, {4, 1})).data.empty());
  CHECK(opened(tensor(six, 0, {2, 0, INT64_MAX}, {0, 0, 0})).data.empty());
  // A view keeps the file mapped, a copy its bytes.
  const auto file = open_bytes(torch_zip(dict({{text("view"), tensor(six, 0, {6}, {1})},
                                               {text("same"), tensor(six, 0, {6}, {1})},
                                               {text("copy"), tensor(six, 0, {3, 2}, {1, 3})}}),
                                         {{"0", "abcdef"}}));
  CHECK(file.tensors.at("view").data.data() == file.tensors.at("same").data.data());
  CHECK(file.tensors.at("view").owner == file.tensors.at("same").owner);
  CHECK(file.tensors.at("view").owner != file.tensors.at("copy").owner);
}

TEST_CASE("pytorch: copies take no more than four times the file") {
  // One matrix of 1,000 x 100 bytes, whose transpose is there under 40 names.
  const Bytes transpose = tensor(storage("ByteStorage", "0", 100'000), 0, {100, 1000}, {1, 100});
  const auto of = [&](int count) {
    Bytes value = "}(" + text("0") + transpose + "q\x01";
    for (int i = 1; i < count; ++i)
      value += text(std::to_string(i)) + "h\x01";
    return torch_zip(value + "u", {{"0", std::string(100'000, 'x')}});
  };
  CHECK(open_bytes(of(4)).tensors.size() == 4);
  refuses("its tensors that are not contiguous take more than 4 times the file", of(40));
}

TEST_CASE("pytorch: of a training checkpoint the one state dict is taken") {
  const Bytes weights = dict({{text("w"), vector("0", 2)}});
  const Storages storages{{"0", "12345678"}};
  for (const char* name : {"state_dict", "model_state_dict", "model"}) {
    const auto file = open_bytes(
        torch_zip(dict({{text("epoch"), integer(3)}, {text(name), weights}, {integer(1), none()}}),
                  storages));
    CHECK(data(file.tensors.at("w")) == "12345678");
    REQUIRE(file.notes.size() == 1);
    CHECK(file.notes[0] == "took '" + std::string(name) +
                               "' of a training checkpoint, left out: 'epoch', '(no text)'");
  }
  // Tensors at the top level come first; what is no tensor is left out and said.
  const auto file = open_bytes(torch_zip(
      dict({{text("state_dict"), weights}, {text("v"), vector("0", 2)}, {integer(1), none()}}),
      storages));
  CHECK(file.tensors.size() == 1);
  CHECK(file.tensors.contains("v"));
  CHECK(file.notes == std::vector<std::string>{
                          "left out 2 entries that are no tensors: 'state_dict', '(no text)'"});
  refuses_value("holds several state dicts ('state_dict', 'model')",
                dict({{text("state_dict"), weights}, {text("model"), weights}}));
  refuses_value("holds no tensors, expected a state dict; its keys are: 'net'",
                dict({{text("net"), weights}}));
  refuses_value("holds no tensors", dict({{text("model"), "}"}}));
  refuses_value("holds no tensors", "}");
  refuses_value("holds no dict, expected a state dict of tensors", vector("0", 2));
  refuses_value("holds no dict", list({weights}));
  refuses_value("tensor 'w' is given twice",
                dict({{text("w"), vector("0", 2)}, {text("w"), vector("0", 2)}}));
}

TEST_CASE("pytorch: an ordered dict keeps no state, and no other object is built") {
  const Bytes value = ordered_dict() + "(" + text("w") + vector("0", 2) + "u" +
                      dict({{text("_metadata"), ordered_dict()}}) + "b";
  CHECK(open_bytes(torch_zip(value, {{"0", "12345678"}})).tensors.size() == 1);
  refuses_value("has no dict on its stack where one is needed", text("x") + "}b");
}

TEST_CASE("pytorch: names that are not allowed are refused by name, with a way to convert") {
  refuses_value("holds a pickled Python object 'models.MambaBEAT.Model', expected a state dict",
                global("models.MambaBEAT", "Model") + ")\x81}b");
  refuses_value("python -c \"import torch; o = torch.load('m.pt'", global("posix", "system"));
  const auto framed = [](const Bytes& module, const Bytes& name) { return module + name + "\x93"; };
  refuses_value("'os.system'", framed(text("os"), text("system")));
  refuses_value("a name that is no text", framed(text("os"), none()));
  refuses_value("a name that is no text", framed(none(), text("os")));
  for (const char* name : {"eval", "OrderedDict.__init__", "ordereddict", "OrderedDict "})
    refuses_value("holds a pickled Python object", global("collections", name));
  refuses_value("holds a pickled Python object 'torch._utils._rebuild_qtensor'",
                global("torch._utils", "_rebuild_qtensor"));
  refuses_value("holds a pickled Python object 'torch.FloatTensor'",
                global("torch", "FloatTensor"));
  // Nothing that a shell reads comes from the file's name.
  const TemporaryFolder folder;
  write_file(folder / "$(x)'.pt", torch_zip(global("a", "b"), {}));
  check_fails(ExitCode::kBadInput, "torch.load('FILE'", [&] { open_weights(folder / "$(x)'.pt"); });
  const Error error = test::error_of(
      [&] { open_bytes(torch_zip(global(std::string(4000, 'm'), "\x1b[31m"), {})); });
  CHECK(std::string(error.what()).size() < 900);
  CHECK(std::string(error.what()).find('\x1b') == std::string::npos);
}

TEST_CASE("pytorch: opcodes are those of a state dict") {
  for (const char opcode :
       {'i', 'o',    '\x81', '\x92', 'B',    'C',    '\x8e', '\x96', 'F',    'I',  'L',
        'S', 'T',    'U',    'V',    'P',    'l',    'd',    '0',    '1',    '2',  'p',
        'g', '\x82', '\x8b', '\x8f', '\x90', '\x91', '\x97', '\x98', '\x8d', '\0', '\xff'}) {
    refuses_value(fmt::format("has pickle opcode 0x{:02x}", static_cast<unsigned char>(opcode)),
                  Bytes(1, opcode));
  }
  const auto refuses_pickle = [](const std::string& message, const std::string& pickle) {
    refuses(message, raw_zip(torch_records(pickle, {})));
  };
  refuses_pickle("is pickled by protocol 1, expected 2 to 5", "\x80\x01}.");
  refuses_pickle("is pickled by protocol 6, expected 2 to 5", "\x80\x06}.");
  refuses_pickle("1 bytes follow the pickle in data.pkl", "\x80\x02}.x");
  refuses_pickle("is cut short: 1 bytes more are expected, 0 are there, at byte 0 of the pickle",
                 "");
  refuses_pickle("is cut short", "\x80\x02}");
}

TEST_CASE("pytorch: lengths and names end in the pickle") {
  refuses_value("is cut short: 4294967295 bytes more are expected", "X\xff\xff\xff\xff");
  refuses_value("is cut short: 255 bytes more", "\x8c\xff");
  refuses_value("is cut short: 4 bytes more are expected, 1 are there", "J");
  refuses_value("has an integer of 9 bytes", "\x8a\x09");
  refuses_value("has a name without an end", "cos");
  refuses_value("has a name without an end", "c" + std::string(5000, 'x') + "\nx\n");
}

TEST_CASE("pytorch: the stack and the memo hold what is taken from them") {
  refuses_value("takes from an empty stack", "");
  refuses_value("takes from an empty stack", "\x85");
  refuses_value("takes from an empty stack", "N\x87");
  refuses_value("takes from an empty stack", "a");
  refuses_value("takes from an empty stack", "(a");
  refuses_value("takes from an empty stack", "N(\x85");  // not across a mark
  refuses_value("takes from an empty stack", "q\x01");
  refuses_value("has no mark on its stack", "t");
  refuses_value("has no mark on its stack", "N]e");
  refuses_value("leaves values on its stack", "NN");
  refuses_value("leaves values on its stack", "(N");
  refuses_value("has no list on its stack where one is needed", "}Na");
  refuses_value("has no list on its stack where one is needed", "}(e");
  refuses_value("has no dict on its stack where one is needed", "]NNs");
  refuses_value("has no dict on its stack where one is needed", "](u");
  refuses_value("has a key without a value", "}(Nu");
  refuses_value("takes memo entry 7, which is not there", "h\x07");
  refuses_value("takes memo entry 4294967295, which is not there", "j\xff\xff\xff\xff");
  refuses_value("calls what is no function", "N)R");
  refuses_value("calls what is no function", global("collections", "OrderedDict") + "]R");
}

TEST_CASE("pytorch: numbers and texts of every opcode are read") {
  const auto of = [](const Bytes& key, const Bytes& numel) {
    const Bytes id =
        tuple({text("storage"), global("torch", "FloatStorage"), key, text("cpu"), numel}) + "Q";
    return torch_zip(dict({{text("w"), tensor(id, 0, {2}, {1})}}), {{"0", "12345678"}});
  };
  const Bytes zero(1, '\0');
  const Bytes int32 = "J" + raw(int32_t{2}), int16 = "M" + raw(uint16_t{2});
  for (const Bytes& two :
       {int32, int16, Bytes("K\x02"), Bytes("\x8a\x01\x02"), "\x8a\x03\x02" + zero + zero}) {
    CHECK(open_bytes(of(text("0"), two)).tensors.size() == 1);
  }
  CHECK(open_bytes(of("\x8c\x01\x30", "K\x02")).tensors.size() == 1);
  refuses("should have 1020 bytes", of(text("0"), "K\xff"));
  refuses("should have 262140 bytes", of(text("0"), "M\xff\xff"));
  refuses("should have 0 bytes", of(text("0"), "\x8a" + zero));
  // Negative: the arguments of a storage.
  refuses("a persistent id", of(text("0"), "J\xff\xff\xff\xff"));
  refuses("a persistent id", of(text("0"), "\x8a\x01\xff"));
  refuses("a persistent id", of(text("0"), "G" + raw(double{2})));
}

TEST_CASE("pytorch: memo entries are what was put there, by number or in turn") {
  const Pairs ways{{"q\x05", "h\x05"},
                   {"r" + raw(uint32_t{300}), "j" + raw(uint32_t{300})},
                   {"\x94", Bytes("h\0", 2)}};
  for (const auto& [put, get] : ways) {
    const Bytes value = "\x95" + raw(uint64_t{99}) +
                        dict({{text("v") + put, vector("0", 2)}, {get + "q\x09", none()}});
    const auto file = open_bytes(torch_zip(value, {{"0", "12345678"}}));
    CHECK(file.notes == std::vector<std::string>{"left out 1 entries that are no tensors: 'v'"});
  }
}

TEST_CASE("pytorch: cycles, depth bombs and laughing memos are refused or cost nothing") {
  const Bytes dict_in_itself = "}q\x01" + text("self") + "h\x01s";
  refuses_value("a value of the pickle contains itself", dict_in_itself);
  refuses_value("a value of the pickle contains itself",
                "]q\x01(]q\x02h\x01"
                "ah\x02"
                "e");
  refuses_value("nested deeper than 64 levels",
                std::string(1'000'000, ']') + std::string(999'999, 'a'));
  refuses_value("nested deeper than 64 levels", ")" + std::string(100'000, '\x85'));
  CHECK(open_bytes(torch_zip(dict({{text("w"), vector("0", 2)},
                                   {text("deep"), ")" + std::string(62, '\x85')}}),
                             {{"0", "12345678"}}))
            .tensors.size() == 1);
  // Each of 60 tuples holds the one before twice: 2^60 values for whoever walks them.
  Bytes laughs = ")";
  for (int i = 0; i < 60; ++i)
    laughs += "q\x01h\x01\x86";
  const test::AllocationWatch watch;
  CHECK(open_bytes(torch_zip(dict({{text("w"), vector("0", 2)}, {text("x"), laughs}}),
                             {{"0", "12345678"}}))
            .tensors.size() == 1);
  CHECK(watch.largest() < 100'000);
  // Shared branches add to the depth: 40 levels on top of 40.
  Bytes tower = ")" + std::string(40, '\x85') + "q\x01";
  tower += "h\x01" + std::string(40, '\x85') + "\x86";
  refuses_value("nested deeper than 64 levels", tower);
}

TEST_CASE("pytorch: the pickle is bounded") {
  refuses_value("has a pickle of more than 4194304 opcodes", std::string(5'000'000, 'N'));
  refuses("has a pickle of more than 67108864 bytes",
          torch_zip(text(std::string(70'000'000, 'x')), {}));
}

TEST_CASE("pytorch: the archive is one of torch.save's") {
  const std::string pickle = pickled(dict({{text("w"), vector("0", 2)}}));
  const auto with = [&](const RawRecord& record) {
    auto records = torch_records(pickle, {{"0", "12345678"}});
    std::erase_if(records, [&](const RawRecord& other) { return other.name == record.name; });
    records.push_back(record);
    return raw_zip(records);
  };
  CHECK(open_bytes(with({.name = "m/version", .data = "3"})).tensors.size() == 1);
  refuses("is a TorchScript program, expected a state dict",
          with({.name = "m/constants.pkl", .data = ""}));
  refuses("torch.jit.load('m.pt', map_location='cpu').state_dict()",
          with({.name = "m/code/x.py", .data = "", .method = 8}));
  refuses("was written in byte order 'big', expected 'little'",
          with({.name = "m/byteorder", .data = "big"}));
  refuses("record 'm/data/0' is compressed, torch.save stores records as they are",
          with({.name = "m/data/0", .data = "12345678", .method = 8}));
  refuses("record 'm/data.pkl' is compressed",
          with({.name = "m/data.pkl", .data = pickle, .method = 8}));
  refuses("holds two data.pkl", with({.name = "n/data.pkl", .data = pickle}));
  refuses("is a zip archive without data.pkl", raw_zip({{.name = "data.pkl", .data = pickle}}));
  refuses("is a zip archive without data.pkl", raw_zip({{.name = "a/b/data.pkl", .data = pickle}}));
  refuses("no directory at its end", with({.name = "x"}).substr(0, 200));
}

}  // namespace
}  // namespace ssmi::io
