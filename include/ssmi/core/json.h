#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ssmi {

/// Objects keep the order of their keys, so that reports read as they were written.
using Json = nlohmann::ordered_json;

/// Parses untrusted text. `where` (a file name) starts every message. Throws Error{kBadInput} on a
/// syntax error, a key given twice, or nesting deeper than `max_depth`.
Json parse_json(std::string_view text, const std::string& where, int max_depth = 32);

/// Python writes infinities and NaN as bare words, which are no JSON. Gives the text with each of
/// them, outside strings, as {"__float__": "Infinity"}, the form of newer files.
std::string with_named_floats(std::string_view text);

/// JSON as text, on one line or indented. Bytes that are not UTF-8 (of a file name, say) become
/// U+FFFD.
std::string to_text(const Json& json, int indent = -1);

/// Where two values differ, for a message: "config/steps was 60, now 80", or "absent" where one has
/// nothing there. Empty where they are the same; the order of keys does not count.
std::string first_difference(const Json& before, const Json& now);

/// A JSON object with the name of its file, whose getters say what was expected and found.
/// All throw Error{kBadInput}. The Json must outlive the view.
class JsonObject {
 public:
  JsonObject(const Json& json, std::string where);

  bool has(const std::string& key) const { return json_.contains(key); }
  std::string string(const std::string& key) const;
  bool boolean(const std::string& key) const;
  double number(const std::string& key) const;
  /// An integer within [min, max].
  int64_t integer(const std::string& key, int64_t min, int64_t max) const;
  std::vector<int64_t> integers(const std::string& key, int64_t min, int64_t max) const;
  const Json& at(const std::string& key) const;
  const std::string& where() const { return where_; }
  /// Refuses a key that none of the getters was asked for.
  void refuse_other_keys() const;

 private:
  const Json& json_;
  std::string where_;
  mutable std::set<std::string> asked_;
};

}  // namespace ssmi
