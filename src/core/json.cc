#include "ssmi/core/json.h"

#include <algorithm>
#include <array>
#include <set>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi {

Json parse_json(std::string_view text, const std::string& where, int max_depth) {
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth >= max_depth &&
        (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start)) {
      bad_input("{}: nested deeper than {} levels", where, max_depth);
    }
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) {
      bad_input("{}: key '{}' is given twice", where, excerpt(value.get<std::string>()));
    }
    return true;
  };
  // The library takes a NUL for the end of its input.
  if (text.find('\0') != text.npos) bad_input("{}: not valid JSON: it holds a NUL byte", where);
  try {
    return Json::parse(text, check);
  } catch (const Json::exception& error) {
    bad_input("{}: not valid JSON: {}", where, excerpt(error.what(), 300));
  }
}

std::string with_named_floats(std::string_view text) {
  static constexpr std::array<std::string_view, 3> kBare{"-Infinity", "Infinity", "NaN"};
  std::string result;
  result.reserve(text.size());
  bool in_string = false;
  for (size_t i = 0; i < text.size();) {
    const auto rest = text.substr(i);
    const auto* bare =
        std::ranges::find_if(kBare, [&](auto word) { return rest.starts_with(word); });
    if (!in_string && bare != kBare.end()) {
      result += fmt::format(R"({{"__float__":"{}"}})", *bare);
      i += bare->size();
      continue;
    }
    const size_t length =
        in_string && rest.starts_with('\\') ? std::min<size_t>(2, rest.size()) : 1;
    if (rest.front() == '"') in_string = !in_string;
    result += rest.substr(0, length);
    i += length;
  }
  return result;
}

std::string to_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string first_difference(const Json& before, const Json& now) {
  const Json changes = Json::diff(before, now);
  if (changes.empty()) return "";
  const Json& change = changes.front();
  const std::string path = change.at("path").get<std::string>();
  const Json::json_pointer place(path);
  const auto text = [](const Json& json) { return excerpt(to_text(json)); };
  return fmt::format("{} was {}, now {}", path.empty() ? "the whole" : path.substr(1),
                     before.contains(place) ? text(before.at(place)) : "absent",
                     change.contains("value") ? text(change.at("value")) : "absent");
}

JsonObject::JsonObject(const Json& json, std::string where)
    : json_(json), where_(std::move(where)) {
  if (!json.is_object())
    bad_input("{}: expected a JSON object, found {}", where_, json.type_name());
}

const Json& JsonObject::at(const std::string& key) const {
  const auto found = json_.find(key);
  if (found == json_.end()) bad_input("{}: key '{}' is missing", where_, key);
  asked_.insert(key);
  return *found;
}

void JsonObject::refuse_other_keys() const {
  for (const auto& [key, value] : json_.items())
    if (!asked_.contains(key)) bad_input("{}: key '{}' is not known", where_, excerpt(key));
}

std::string JsonObject::string(const std::string& key) const {
  const Json& value = at(key);
  if (!value.is_string()) {
    bad_input("{}: '{}' should be a string, found {}", where_, key, value.type_name());
  }
  return value.get<std::string>();
}

bool JsonObject::boolean(const std::string& key) const {
  const Json& value = at(key);
  if (!value.is_boolean()) {
    bad_input("{}: '{}' should be true or false, found {}", where_, key, value.type_name());
  }
  return value.get<bool>();
}

double JsonObject::number(const std::string& key) const {
  const Json& value = at(key);
  if (!value.is_number()) {
    bad_input("{}: '{}' should be a number, found {}", where_, key, value.type_name());
  }
  return value.get<double>();
}

namespace {

int64_t bounded_integer(const Json& value, const std::string& what, int64_t min, int64_t max) {
  const bool fits = value.is_number_integer() &&
                    !(value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) &&
                    value.get<int64_t>() >= min && value.get<int64_t>() <= max;
  if (!fits) {
    bad_input("{} should be an integer from {} to {}, found {}", what, min, max,
              excerpt(value.dump()));
  }
  return value.get<int64_t>();
}

}  // namespace

int64_t JsonObject::integer(const std::string& key, int64_t min, int64_t max) const {
  return bounded_integer(at(key), fmt::format("{}: '{}'", where_, key), min, max);
}

std::vector<int64_t> JsonObject::integers(const std::string& key, int64_t min, int64_t max) const {
  const Json& value = at(key);
  if (!value.is_array()) {
    bad_input("{}: '{}' should be a list of integers, found {}", where_, key, value.type_name());
  }
  std::vector<int64_t> result;
  result.reserve(value.size());
  for (const Json& item : value) {
    result.push_back(
        bounded_integer(item, fmt::format("{}: an entry of '{}'", where_, key), min, max));
  }
  return result;
}

}  // namespace ssmi
