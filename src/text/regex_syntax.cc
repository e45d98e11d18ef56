#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <set>

#include "regex.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "unicode.h"

namespace ssmi::text {
namespace {

/// General categories that \p{...} may name; scripts likewise.
bool known_property(const std::string& name) {
  static const std::set<std::string> kNames{
      "L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc",  "Me",       "N",        "Nd",    "Nl",
      "No", "P",  "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",  "S",        "Sm",       "Sc",    "Sk",
      "So", "Z",  "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Han", "Hiragana", "Katakana", "Hangul"};
  return kNames.contains(name);
}

/// Whether PCRE2 takes this name of a script for all characters used with it (since 10.40).
bool has_script_extensions(const std::string& name) {
  constexpr bool kNew = PCRE2_MAJOR > 10 || (PCRE2_MAJOR == 10 && PCRE2_MINOR >= 40);
  return kNew && name.size() > 2;  // all others are general categories
}

/// Walks over a pattern and writes what PCRE2 reads alike; whatever might differ is refused.
class Translator {
 public:
  Translator(std::string_view pattern, const std::string& where)
      : pattern_(pattern), where_(where) {}

  std::string run() {
    while (at_ < pattern_.size())
      item();
    return out_;
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }

  bool starts(std::string_view prefix) const { return pattern_.substr(at_).starts_with(prefix); }

  [[noreturn]] void refuse(const std::string& what) const {
    bad_input("{}: pattern '{}' uses {}, which is not supported", where_, excerpt(pattern_), what);
  }

  void copy(size_t count) {
    out_ += pattern_.substr(at_, count);
    at_ += count;
  }

  void item() {
    const char c = peek();
    if (c == '\\') return escape(false);
    if (c == '[') {
      ++at_;
      const bool negated = peek() == '^';
      if (negated) ++at_;
      out_ += negated ? "[^" : "[";
      members(0);
      out_ += ']';
      return;
    }
    if (c == '(' && peek(1) == '?') return group();
    if (c == '(' && peek(1) == '*') refuse("'(*'");
    if (c == '{') return interval();
    if (c == '^' || c == '$') {  // ends of lines, of which PCRE2 counts others
      out_ += c == '^' ? "(?:\\A|(?<=\\n)(?!\\z))" : "(?=\\n|\\z)";
      ++at_;
      return;
    }
    copy(1);
  }

  void group() {
    for (const std::string_view known :
         {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!", "(?i)", "(?i:", "(?-i)", "(?-i:"}) {
      if (starts(known)) return copy(known.size());
    }
    refuse(std::string(pattern_.substr(at_, 4)));
  }

  void interval() {
    size_t end = 1;
    while (peek(end) >= '0' && peek(end) <= '9')
      ++end;
    if (end == 1) refuse("'{' without a number");
    if (peek(end) == ',') {
      ++end;
      while (peek(end) >= '0' && peek(end) <= '9')
        ++end;
    }
    if (peek(end) != '}') refuse("'{' that begins no repetition");
    if (peek(end + 1) == '+' || peek(end + 1) == '?') refuse("'+' or '?' behind '}'");
    copy(end + 1);
  }

  /// An escape, inside a class or outside.
  void escape(bool in_class) {
    const char c = peek(1);
    if (c == '\0') refuse("a backslash at its end");
    const bool letter_or_digit =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!letter_or_digit) {
      const size_t size = character_size_at(1);
      return copy(1 + size);
    }
    switch (c) {
      case 's':
      case 'S':
        // PCRE2 counts U+180E as a space, Unicode (since 6.3) and Oniguruma do not.
        if (in_class) {
          out_ += c == 's' ? kSpaces : kNotSpaces;
        } else {
          out_ += (c == 's' ? "[" : "[^") + std::string(kSpaces) + "]";
        }
        at_ += 2;
        return;
      case 'd':
        return property("Nd", false, in_class, 2);
      case 'D':
        return property("Nd", true, in_class, 2);
      case 'p':
      case 'P':
        return named_property(in_class);
      case 'v':
        out_ += "\\x{b}";
        at_ += 2;
        return;
      case 't':
      case 'n':
      case 'r':
      case 'f':
      case 'a':
      case 'e':
        return copy(2);
      case 'A':
      case 'z':
        if (!in_class) return copy(2);
        break;
      case 'x':
      case 'u':
        return code_point();
      default:
        break;
    }
    refuse("'\\" + std::string(1, c) + "'");
  }

  size_t character_size_at(size_t ahead) const {
    size_t size = 1;
    while ((static_cast<unsigned char>(peek(ahead + size)) & 0xC0) == 0x80)
      ++size;
    return size;
  }

  /// \xHH, \x{H...} or \uHHHH.
  void code_point() {
    const bool unicode = peek(1) == 'u';
    const bool braces = !unicode && peek(2) == '{';
    size_t end = braces ? 3 : 2;
    std::string digits;
    const size_t most = unicode ? 4 : braces ? 6 : 2;
    const auto hex = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    };
    while (digits.size() < most && hex(peek(end)))
      digits.push_back(peek(end++));
    const bool complete = unicode ? digits.size() == 4 : !digits.empty();
    if (!complete || (braces && peek(end) != '}')) refuse("a damaged code point");
    const unsigned long code = std::stoul(digits, nullptr, 16);
    if (!unicode && !braces && code >= 0x80) refuse("a byte by its number");
    out_ += fmt::format("\\x{{{:x}}}", code);
    at_ += end + (braces ? 1 : 0);
  }

  void named_property(bool in_class) {
    if (peek(2) != '{') refuse("'\\p' without braces");
    const size_t close = pattern_.find('}', at_);
    if (close == std::string_view::npos) refuse("'\\p' without braces");
    std::string name(pattern_.substr(at_ + 3, close - at_ - 3));
    bool negated = peek(1) == 'P';
    if (name.starts_with('^')) {
      negated = !negated;
      name.erase(0, 1);
    }
    if (!known_property(name)) refuse("property '" + excerpt(name, 30) + "'");
    property(name, negated, in_class, close + 1 - at_);
  }

  void property(const std::string& name, bool negated, bool in_class, size_t size) {
    at_ += size;
    const std::string newer = newer_ranges(name),
                      own = (has_script_extensions(name) ? "sc:" : "") + name;
    if (in_class) {
      if (negated && !newer.empty()) refuse("a negated property in a class");
      out_ += (negated ? "\\P{" : "\\p{") + own + "}" + newer;
    } else {
      out_ += (negated ? "[^\\p{" : "[\\p{") + own + "}" + newer + "]";
    }
  }

  /// The inside of a class, up to its closing bracket. Classes within it are unions.
  void members(int depth) {
    if (depth > 8) refuse("classes nested too deeply");
    if (peek() == ']') refuse("']' as a class's first member");
    while (peek() != ']') {
      if (at_ >= pattern_.size()) refuse("'[' without ']'");
      if (starts("&&")) refuse("'&&' in a class");
      if (peek() == '\\') {
        escape(true);
      } else if (peek() == '[') {
        if (peek(1) == ':' || peek(1) == '^')
          refuse("'[" + std::string(1, peek(1)) + "' in a class");
        ++at_;
        members(depth + 1);
      } else {
        copy(1);
      }
    }
    ++at_;
  }

  static constexpr const char* kSpaces =
      "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"
      "\\x{205f}\\x{3000}";
  static constexpr const char* kNotSpaces =
      "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{84}\\x{86}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{"
      "1fff}"
      "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}"
      "\\x{3001}-\\x{d7ff}\\x{e000}-\\x{10ffff}";

  std::string_view pattern_;
  const std::string& where_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string to_pcre2(std::string_view pattern, const std::string& where) {
  return Translator(pattern, where).run();
}

}  // namespace ssmi::text
