#include "text/tokenizer_json.h"

#include <fstream>

#include "io/allocation.h"
#include "io/damage.h"
#include "recipe.h"

namespace ssmi::text {
namespace {

using ssmi::test::check_fails;
using test::check_refused;
using test::cut;
using test::Recipe;

/// A small tokenizer.json with something of everything.
Recipe everything() {
  return {test::bpe({"<unk>", "a", "b", "\u0120", "ab", "\u0120ab", "<s>", "<0xC3>"},
                    {"a b", "\u0120 ab"},
                    R"(,"unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,"dropout":null)"),
          R"({"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Replace","pattern":)"
          R"({"Regex":"x+"},"content":"a"}]})",
          R"({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\d{1,3}"},)"
          R"("behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,)"
          R"("use_regex":true}]})",
          R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":)"
          R"({"id":"A"}}],"special_tokens":{"<s>":{"id":"<s>","ids":[6],"tokens":["<s>"]}}})",
          R"([{"id":6,"content":"<s>","single_word":false,"lstrip":true,"rstrip":false,)"
          R"("normalized":false,"special":true}])"};
}

/// Reads and encodes; whatever comes must be tokens within the text, or an Error.
bool taken(const std::string& json) {
  try {
    const auto tokenizer = read_tokenizer_json(json, "t.json");
    const std::string text = "ab <s>\u00E9x12\xFF ab";
    const Encoding encoding = tokenizer->encode(text);
    Span last;
    for (size_t i = 0; i < encoding.ids.size(); ++i) {
      const Span& span = encoding.spans[i];
      CHECK((encoding.ids[i] >= 0 && encoding.ids[i] < tokenizer->vocab_size()));
      CHECK((span.begin >= last.begin && span.end >= last.end && span.begin <= span.end &&
             span.end <= static_cast<int64_t>(text.size())));
      last = span;
    }
    return true;
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::kBadInput);
    CHECK(std::string(error.what()).starts_with("t.json: "));
    return false;
  }
}

TEST_CASE("tokenizer.json: all its parts work together") {
  const auto tokenizer = test::made(everything());
  CHECK(cut(*tokenizer, "ab ab  <s>xxb") == "<s>:0-0 ab:0-2  ab:2-5 <s>:5-10 ab:11-13");
}

TEST_CASE("tokenizer.json: cut short anywhere it is refused") {
  const std::string whole = json_of(everything());
  CHECK(taken(whole));
  for (size_t size = 0; size < whole.size(); ++size) {
    check_fails(ExitCode::kBadInput, "t.json: not valid JSON: ", [&] {
      read_tokenizer_json(whole.substr(0, size), "t.json");
    });
  }
}

/// Calls visit(value) with every value in a JSON, which may be changed meanwhile.
template <typename Visit>
void each_value(Json& json, Visit visit) {
  visit(json);
  if (!json.is_structured()) return;
  for (Json& value : json)
    each_value(value, visit);
}

TEST_CASE("tokenizer.json: a value of another kind is refused, or taken and does no harm") {
  Json whole = parse_json(json_of(everything()), "t.json");
  const std::vector<Json> others{nullptr,
                                 true,
                                 0,
                                 -1,
                                 1.5,
                                 4294967296,
                                 UINT64_MAX,
                                 "",
                                 "x",
                                 Json::array(),
                                 Json::object(),
                                 Json::array({"a"})};
  int refused = 0, tried = 0;
  for (const Json& other : others) {
    each_value(whole, [&](Json& value) {
      const Json before = std::exchange(value, other);
      CAPTURE(whole.dump());
      refused += !taken(whole.dump());
      ++tried;
      value = before;
    });
  }
  CHECK(tried > 800);
  CHECK(refused > tried / 2);
}

TEST_CASE("tokenizer.json: 2,000 damaged ones are taken or refused, without a large allocation") {
  const std::string whole = json_of(everything());
  ssmi::test::Damage damage(5, "tokenizers");
  taken(whole);  // what is made once for all
  int took = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = whole;
    const std::string what = damage.bytes(bytes);
    CAPTURE(what);
    CAPTURE(bytes);
    const ssmi::test::AllocationWatch watch;
    took += taken(bytes);
    CHECK(watch.largest() < 1 << 20);
  }
  CHECK(took > 100);
  CHECK(took < 1900);
}

TEST_CASE("tokenizer.json: what is no tokenizer is refused by name") {
  const auto refused = [](std::string_view json, const char* message) {
    CAPTURE(json);
    check_fails(ExitCode::kBadInput, std::string("t.json: ") + message,
                [&] { read_tokenizer_json(json, "t.json"); });
  };
  refused("", "not valid JSON: ");
  refused("[]", "expected a JSON object, found array");
  refused("{}", "model: expected a JSON object, found null");
  refused(R"({"model":[]})", "model: expected a JSON object, found array");
  refused(R"({"model":{"type":"WordLevel","vocab":{}}})",
          "model 'WordLevel' is not supported; BPE, WordPiece and Unigram are");
  refused(R"({"model":{"type":1}})", "model: 'type' should be a string, found number");
  refused(R"({"model":{},"model":{}})", "key 'model' is given twice");
  refused("{\"model\":\"\xFF\"}", "not valid JSON: ");
  refused(std::string_view("{}\0", 3), "not valid JSON: it holds a NUL byte");
  refused(R"({"a":1e999})", "not valid JSON: ");
  refused(std::string(1'000'000, '['), "nested deeper than 32 levels");
  std::string objects;
  for (int i = 0; i < 100'000; ++i)
    objects += R"({"a":)";
  refused(objects, "nested deeper than 32 levels");
}

TEST_CASE("tokenizer.json: damaged ids of a vocabulary are refused by name") {
  const auto refused = [](const std::string& vocabulary, const std::string& message) {
    CAPTURE(vocabulary);
    check_refused({R"({"type":"BPE","merges":[],"vocab":)" + vocabulary + "}"}, message);
  };
  const std::string range = "its id should be an integer from 0 to 2147483647";
  refused(R"({"a":-1})", "token 'a': " + range);
  refused(R"({"a":2147483648})", "token 'a': " + range);
  refused(R"({"a":1.0})", "token 'a': " + range);
  refused(R"({"a":"1"})", "token 'a': " + range);
  refused(R"({"a":null})", "token 'a': " + range);
  refused(R"({"a":1,"a":2})", "key 'a' is given twice");
  refused(R"([["a",1]])", "the vocabulary should be an object, found array");
  refused("null", "the vocabulary should be an object, found null");
  refused("{}", "the vocabulary is empty");
  check_refused({R"({"type":"Unigram","vocab":[]})"}, "the vocabulary is empty");
}

TEST_CASE("tokenizer.json: the largest id costs no memory, and an id given twice is an id") {
  const ssmi::test::AllocationWatch watch;
  const auto large = test::made({R"({"type":"BPE","merges":[],"vocab":{"a":2147483647,"b":5}})"});
  CHECK(cut(*large, "ab") == "a:0-1 b:1-2");
  CHECK(large->encode("ab").ids == std::vector<int64_t>{2147483647, 5});
  CHECK(large->vocab_size() == 2147483648);
  CHECK(watch.largest() < 1 << 20);
  // As in the reference, which takes such files too.
  const auto twice = test::made({R"({"type":"BPE","merges":[],"vocab":{"a":5,"b":5}})"});
  CHECK(twice->encode("ab").ids == std::vector<int64_t>{5, 5});
}

TEST_CASE("tokenizer.json: steps that would blow a text up are refused") {
  std::string doubles = R"({"type":"Replace","pattern":{"String":"a"},"content":"aa"})";
  for (int i = 0; i < 6; ++i)
    doubles += "," + doubles;  // 64 of them
  const auto tokenizer =
      test::made({test::whole_words({}), R"({"type":"Sequence","normalizers":[)" + doubles + "]}"});
  const ssmi::test::AllocationWatch watch;
  CHECK(cut(*tokenizer, "b") == "<unk>:0-1");
  check_fails(ExitCode::kBadInput, "t.json: normalizer: Replace makes ",
              [&] { tokenizer->encode("a"); });
  CHECK(watch.largest() < 1 << 26);

  std::string levels = R"({"type":"ByteLevel","add_prefix_space":false})";
  for (int i = 0; i < 5; ++i)
    levels += "," + levels;
  check_refused(
      {test::whole_words({}), "null", R"({"type":"Sequence","pretokenizers":[)" + levels + "]}"},
      "pre_tokenizer ByteLevel 32 times is not supported");
}

TEST_CASE("tokenizer.json: names of ids, of those without one too") {
  const auto tokenizer = test::made(everything());
  CHECK(tokenizer->vocab_size() == 8);
  CHECK(tokenizer->token(5) == " ab");
  CHECK(tokenizer->token(6) == "<s>");
  for (const int64_t id : {-1, 8, 1 << 30})
    CHECK(tokenizer->token(id) == "<unused>");
  // Without ByteLevel a name stands as it is.
  CHECK(test::made({test::bpe({"\u0120ab"}, {})})->token(0) == "\u0120ab");
}

TEST_CASE("tokenizer.json: the hash is of what decides, not of the layout") {
  const Recipe recipe = everything();
  const auto hash = [](const std::string& json) {
    return read_tokenizer_json(json, "t.json")->sha256();
  };
  const std::string json = json_of(recipe);
  CHECK(hash(parse_json(json, "").dump(2)) == hash(json));
  Json more = parse_json(json, "");
  more["decoder"] = nullptr;
  more["truncation"] = {{"max_length", 3}};
  CHECK(hash(more.dump()) == hash(json));
  for (const char* part : {"normalizer", "pre_tokenizer", "post_processor", "added_tokens"}) {
    Json changed = parse_json(json, "");
    changed[part] = nullptr;
    CHECK(hash(changed.dump()) != hash(json));
  }
}

TEST_CASE("tokenizer.json: a file of a gigabyte is refused before it is read") {
  const ssmi::test::TemporaryFolder folder;
  const auto path = folder / "tokenizer.json";
  std::ofstream(path) << "{";
  std::filesystem::resize_file(path, 1 << 30);  // takes no room on disk
  const ssmi::test::AllocationWatch watch;
  check_fails(ExitCode::kBadInput,
              path.string() + ": has 1073741824 bytes, expected at most 268435456",
              [&] { load_tokenizer(folder.path(), parse_json("{}", "config.json")); });
  CHECK(watch.largest() < 1 << 20);
}

}  // namespace
}  // namespace ssmi::text
