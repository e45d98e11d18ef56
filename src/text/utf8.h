#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ssmi::text {

/// The character that begins at text[at], which must be UTF-8, and its length in bytes.
struct Character {
  char32_t code;
  size_t size;
};

inline Character character_at(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const auto rest = [&](size_t i) { return static_cast<char32_t>(byte(i) & 0x3F); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xE0) return {static_cast<char32_t>(first & 0x1F) << 6 | rest(1), 2};
  if (first < 0xF0) {
    return {static_cast<char32_t>(first & 0x0F) << 12 | rest(1) << 6 | rest(2), 3};
  }
  return {static_cast<char32_t>(first & 0x07) << 18 | rest(1) << 12 | rest(2) << 6 | rest(3), 4};
}

/// The character that ends before text[end]; `end` must not be 0.
Character character_before(std::string_view text, size_t end);

/// Length in bytes of the character a first byte begins.
inline size_t character_size(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

void append_utf8(char32_t code, std::string& out);
std::u32string to_utf32(std::string_view text);
size_t count_characters(std::string_view text);

/// A text as UTF-8, with U+FFFD for what is not (one for each maximal part of a character).
class ValidText {
 public:
  /// Refers to `source`, which must outlive it, where that is UTF-8 already.
  explicit ValidText(std::string_view source);
  ValidText(const ValidText&) = delete;
  ValidText& operator=(const ValidText&) = delete;

  std::string_view text() const { return text_; }
  /// Where a byte of text() (or its end) stands in the source.
  int64_t source(int64_t at) const {
    return repaired_.empty() ? at : places_[static_cast<size_t>(at)];
  }

 private:
  std::string repaired_;
  std::vector<int64_t> places_;
  std::string_view text_;
};

/// Length of the UTF-8 character at text[at], or, negative, of the maximal part of one there.
int64_t scan_character(std::string_view text, size_t at);

}  // namespace ssmi::text
