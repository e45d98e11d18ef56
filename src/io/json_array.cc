#include "ssmi/io/json_array.h"

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::io {
namespace {

/// How deep in JSON's brackets a byte is, which in strings mean nothing.
class Nesting {
 public:
  void pass(char c) {
    if (escaped_) {
      escaped_ = false;
    } else if (in_string_) {
      escaped_ = c == '\\';
      in_string_ = c != '"';
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      --depth_;
    }
  }
  /// Whether `next` ends what stands at the top.
  bool ends_at(char next) const {
    return depth_ <= 0 && !in_string_ && (next == ',' || next == ']');
  }

 private:
  int64_t depth_ = 0;
  bool in_string_ = false, escaped_ = false;
};

std::string shown(std::optional<char> c) {
  return c ? "'" + excerpt({&*c, 1}) + "'" : "the end of the file";
}

}  // namespace

std::optional<char> JsonArrayReader::take() {
  if (at_ > line_.size()) {
    const auto line = lines_.next();
    if (!line) return std::nullopt;
    line_ = *line;
    at_ = 0;
  }
  const size_t at = at_++;
  return at < line_.size() ? line_[at] : '\n';
}

std::optional<char> JsonArrayReader::take_visible() {
  while (const auto c = take())
    if (*c != ' ' && *c != '\t' && *c != '\n' && *c != '\r') return c;
  return std::nullopt;
}

/// The text from `first` up to the comma or bracket behind it, which is taken too.
std::string JsonArrayReader::take_record(char first) {
  Nesting nesting;
  std::string text;
  std::optional<char> c = first;
  for (; c && !nesting.ends_at(*c); c = take()) {
    nesting.pass(*c);
    text += *c;
    if (text.size() > LineReader::kMaxLine)
      bad_input("{}: the record is longer than {} bytes", where_, LineReader::kMaxLine);
  }
  if (!c) bad_input("{}: the array does not end: expected ',' or ']' behind this record", where_);
  ended_ = *c == ']';
  return text;
}

std::optional<Json> JsonArrayReader::next() {
  const bool first = !begun_;
  begun_ = true;
  if (first) {
    if (const auto c = take_visible(); c != '[')
      bad_input("{}: expected a JSON array, found {}", lines_.where(), shown(c));
  }
  if (!ended_) {
    const auto c = take_visible();
    where_ = lines_.where();
    if (!c) bad_input("{}: the array does not end: expected a record", where_);
    if (!first || *c != ']') {
      Json record = parse_json(take_record(*c), where_);
      JsonObject(record, where_);  // refuses anything but an object
      return record;
    }
    ended_ = true;
  }
  if (const auto c = take_visible())
    bad_input("{}: expected nothing behind the array, found {}", lines_.where(), shown(c));
  return std::nullopt;
}

}  // namespace ssmi::io
