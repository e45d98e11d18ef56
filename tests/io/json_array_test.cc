#include "ssmi/io/json_array.h"

#include <string>
#include <vector>

#include "ssmi/core/file.h"
#include "support.h"

namespace ssmi::io {
namespace {

using test::check_fails;

class Written {
 public:
  std::filesystem::path operator()(const std::string& text) const {
    write_file(folder_ / "a.json", text);
    return folder_ / "a.json";
  }

 private:
  test::TemporaryFolder folder_;
};

/// Each record on its own line, behind where it begins.
std::vector<std::string> records(const std::filesystem::path& path) {
  JsonArrayReader reader(path);
  std::vector<std::string> all;
  while (const auto record = reader.next()) {
    const std::string where = reader.where();
    all.push_back(where.substr(where.rfind(':') + 1) + " " + record->dump());
  }
  CHECK_FALSE(reader.next());  // the end stays the end
  return all;
}

using Records = std::vector<std::string>;

TEST_CASE("json array: records come with the line they begin at") {
  const Written written;
  CHECK(records(written("[]")).empty());
  CHECK(records(written(" \n[ \n ]\n\n")).empty());
  CHECK(records(written("[{\"a\":1},{\"b\":\r\n2}\n,\n\n {}\n]\n")) ==
        Records{R"(1 {"a":1})", R"(1 {"b":2})", "5 {}"});
}

TEST_CASE("json array: brackets, commas and quotes in strings are text") {
  const Records wanted{R"(1 {"a,]}":"\\\"],[{"})", R"(1 {"b":[[1,2],{"c":"\\"}]})"};
  CHECK(records(Written()(R"([{"a,]}":"\\\"],[{"},{"b":[[1,2],{"c":"\\"}]}])")) == wanted);
}

TEST_CASE("json array: what is no array of objects is refused where it is") {
  const Written written;
  const auto refused = [&](const std::string& text, const std::string& message) {
    CAPTURE(text);
    check_fails(ExitCode::kBadInput, message, [&] { records(written(text)); });
  };
  refused("\n{}", "a.json:2: expected a JSON array, found '{'");
  refused("", "expected a JSON array, found the end of the file");
  refused("[", "the array does not end: expected a record");
  refused("[{},", "the array does not end: expected a record");
  refused("[{}\n,{}\n", "a.json:2: the array does not end: expected ',' or ']'");
  refused("[{}] x", "a.json:1: expected nothing behind the array, found 'x'");
  refused("[{}]\n[]", "a.json:2: expected nothing behind the array, found '['");
  refused("[{},\n]", "a.json:2: not valid JSON");
  refused("[,{}]", "a.json:1: not valid JSON");
  refused("[{}\n,1]", "a.json:2: expected a JSON object, found number");
  refused("[{} {}]", "a.json:1: not valid JSON");
  refused("[\n{\"a\":1,\"a\":2}]", "a.json:2: key 'a' is given twice");
  refused("[{\"a\":[}]}]", "a.json:1: not valid JSON");
  refused("[{\"a\":\"b\nc\"}]", "a.json:1: not valid JSON");
  refused("[" + std::string(100000, '['), "a.json:1: the array does not end");
}

}  // namespace
}  // namespace ssmi::io
