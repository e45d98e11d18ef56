#include "large_json.h"

#include <unordered_set>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::text {

LargeJson parse_large_json(std::string_view text, const std::string& where) {
  constexpr int kMaxDepth = 32;
  std::vector<std::unordered_set<std::string>> keys;  // of the objects that are open
  const auto check = [&](int depth, LargeJson::parse_event_t event, LargeJson& value) {
    using Event = LargeJson::parse_event_t;
    if (depth >= kMaxDepth && (event == Event::object_start || event == Event::array_start)) {
      bad_input("{}: nested deeper than {} levels", where, kMaxDepth);
    }
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event != Event::key) return true;
    const auto& key = value.get_ref<const std::string&>();
    if (!keys.back().insert(key).second) {
      bad_input("{}: key '{}' is given twice", where, excerpt(key));
    }
    return true;
  };
  // The library takes a NUL for the end of its input.
  if (text.find('\0') != text.npos) bad_input("{}: not valid JSON: it holds a NUL byte", where);
  try {
    return LargeJson::parse(text, check);
  } catch (const LargeJson::exception& error) {
    bad_input("{}: not valid JSON: {}", where, excerpt(error.what(), 300));
  }
}

TokenMap read_token_map(const LargeJson& json, const std::string& where) {
  if (!json.is_object()) {
    bad_input("{}: the vocabulary should be an object, found {}", where, json.type_name());
  }
  if (json.empty()) bad_input("{}: the vocabulary is empty", where);
  TokenMap tokens;
  for (const auto& [token, id] : json.items()) {
    const bool fits = id.is_number_unsigned() && id.get<uint64_t>() <= uint64_t{kMaxId};
    if (!fits) {
      bad_input("{}: token '{}': its id should be an integer from 0 to {}", where, excerpt(token),
                kMaxId);
    }
    tokens.add(token, id.get<int64_t>());
  }
  return tokens;
}

std::pair<std::string, std::string> split_merge(std::string_view merge, size_t number,
                                                const std::string& where) {
  const size_t space = merge.find(' ');
  if (space == merge.npos || merge.find(' ', space + 1) != merge.npos) {
    bad_input("{}: merge {} should be two tokens with a space between, found '{}'", where, number,
              excerpt(merge));
  }
  return {std::string(merge.substr(0, space)), std::string(merge.substr(space + 1))};
}

Bpe::Merges read_merges(const LargeJson& json, const std::string& where) {
  if (!json.is_array()) {
    bad_input("{}: merges should be a list, found {}", where, json.type_name());
  }
  Bpe::Merges merges;
  merges.reserve(json.size());
  for (const LargeJson& merge : json) {
    if (merge.is_string()) {
      const auto& text = merge.get_ref<const std::string&>();
      if (text.starts_with("#version")) continue;
      merges.push_back(split_merge(text, merges.size(), where));
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
    } else {
      bad_input("{}: merge {} should be a string or two of them", where, merges.size());
    }
  }
  return merges;
}

}  // namespace ssmi::text
