#include "ssmi/core/json.h"

#include "support.h"

namespace ssmi {
namespace {

using test::check_fails;

TEST_CASE("json: objects keep their order and getters give values") {
  const Json json = parse_json(R"({"b": 3, "a": [1, 2], "s": "x", "t": true, "f": 0.5})", "f.json");
  CHECK(json.dump() == R"({"b":3,"a":[1,2],"s":"x","t":true,"f":0.5})");
  const JsonObject object(json, "f.json");
  CHECK(object.integer("b", 0, 3) == 3);
  CHECK(object.integers("a", 0, 9) == std::vector<int64_t>{1, 2});
  CHECK(object.string("s") == "x");
  CHECK(object.boolean("t"));
  CHECK(object.number("f") == 0.5);
}

TEST_CASE("json: what breaks the rules is refused by name") {
  const auto parse = [](const std::string& text) { return [=] { parse_json(text, "f.json", 4); }; };
  check_fails(ExitCode::kBadInput, "f.json: not valid JSON", parse("{"));
  check_fails(ExitCode::kBadInput, "holds a NUL byte", parse(std::string("1\0x", 3)));
  check_fails(ExitCode::kBadInput, "key 'a' is given twice", parse(R"({"a": 1, "a": 2})"));
  check_fails(ExitCode::kBadInput, "nested deeper than 4 levels", parse("[[[[[1]]]]]"));
  check_fails(ExitCode::kBadInput, "nested deeper", parse(std::string(1'000'000, '[')));
  CHECK_NOTHROW(parse(R"([{"a": 1}, {"a": [[2]]}])")());
}

TEST_CASE("json: getters say what was expected and found") {
  const Json json = parse_json(R"({"n": 1.5, "s": 3, "big": 18446744073709551615, "l": [1, "x"]})",
                               "config.json");
  const JsonObject object(json, "config.json");
  check_fails(ExitCode::kBadInput, "config.json: 'n' should be an integer from 0 to 9, found 1.5",
              [&] { object.integer("n", 0, 9); });
  check_fails(ExitCode::kBadInput, "found 18446744073709551615",
              [&] { object.integer("big", 0, INT64_MAX); });
  check_fails(ExitCode::kBadInput, "'s' should be a string, found number",
              [&] { object.string("s"); });
  check_fails(ExitCode::kBadInput, "an entry of 'l'", [&] { object.integers("l", 0, 9); });
  check_fails(ExitCode::kBadInput, "key 'gone' is missing", [&] { object.at("gone"); });
  check_fails(ExitCode::kBadInput, "expected a JSON object, found array",
              [] { JsonObject(Json::array(), "f.json"); });
}

TEST_CASE("json: the first difference says where, what was there and what is") {
  const Json before{{"seed", 1}, {"config", {{"steps", 60}, {"layers", {1, 2}}}}};
  const auto difference = [&](const char* place, const Json& value) {
    Json now = before;
    now[Json::json_pointer(place)] = value;
    return first_difference(before, now);
  };
  CHECK(first_difference(before, before).empty());
  CHECK(first_difference({{"a", 1}, {"b", 2}}, {{"b", 2}, {"a", 1}}).empty());
  CHECK(difference("/config/steps", 80) == "config/steps was 60, now 80");
  CHECK(difference("/config/layers/1", 7) == "config/layers/1 was 2, now 7");
  CHECK(difference("/config/model", "x") == R"(config/model was absent, now "x")");
  CHECK(difference("/config/layers/2", 3).ends_with("was absent, now 3"));
  CHECK(difference("/config/layers", Json::array({1})) == "config/layers/1 was 2, now absent");
  CHECK(difference("/seed", nullptr) == "seed was 1, now null");
  CHECK(first_difference(before, {{"config", before["config"]}}) == "seed was 1, now absent");
  CHECK(first_difference(3, before).starts_with("the whole was 3, now {"));
}

TEST_CASE("json: a key that no getter was asked for is refused") {
  const Json json{{"steps", 3}, {"model", Json::object()}, {"step", 4}};
  const JsonObject object(json, "f.json");
  object.integer("steps", 0, 9);
  CHECK(object.has("step"));  // which is no reading
  check_fails(ExitCode::kBadInput, "f.json: key 'model' is not known",
              [&] { object.refuse_other_keys(); });
  object.at("model");
  check_fails(ExitCode::kBadInput, "f.json: key 'step' is not known",
              [&] { object.refuse_other_keys(); });
  object.integer("step", 0, 9);
  CHECK_NOTHROW(object.refuse_other_keys());
}

TEST_CASE("json: the bare words of Python's infinities become names, outside strings alone") {
  const auto parse = [](std::string_view text) {
    return parse_json(with_named_floats(text), "f.json").dump();
  };
  CHECK(parse(R"({"a": [0.0, Infinity], "b": -Infinity, "c":NaN})") ==
        R"({"a":[0.0,{"__float__":"Infinity"}],"b":{"__float__":"-Infinity"},)"
        R"("c":{"__float__":"NaN"}})");
  CHECK(parse(R"({"Infinity": "NaN \" Infinity \\"})") == R"({"Infinity":"NaN \" Infinity \\"})");
  CHECK(with_named_floats("\"\\") == "\"\\");
  check_fails(ExitCode::kBadInput, "f.json: not valid JSON", [&] { parse("[1Infinity]"); });
  check_fails(ExitCode::kBadInput, "not valid JSON", [] { parse_json("[Infinity]", "f.json"); });
}

}  // namespace
}  // namespace ssmi
