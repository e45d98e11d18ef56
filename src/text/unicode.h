#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aligned_text.h"

namespace ssmi::text {

/// Properties of characters, each of the Unicode version that PyPI `tokenizers` takes for it (its
/// parts take different ones). unicode_tables.cc says how they were found.
namespace property {
constexpr uint16_t kLetter = 1;       ///< \p{L} of regular expressions
constexpr uint16_t kNumber = 2;       ///< \p{N} of regular expressions
constexpr uint16_t kSpace = 4;        ///< White_Space
constexpr uint16_t kPunctuation = 8;  ///< of Punctuation and BertPreTokenizer
constexpr uint16_t kControl = 16;     ///< what BertNormalizer takes out
constexpr uint16_t kNonSpacing = 32;  ///< accents that BertNormalizer strips
constexpr uint16_t kCombining = 64;   ///< accents that StripAccents strips
constexpr uint16_t kNumeric = 128;    ///< what Digits cuts off
constexpr uint16_t kWord = 256;       ///< \w of Whitespace and of added tokens
}  // namespace property

/// The properties of every code point, 0x110000 of them.
const uint16_t* properties();

inline bool has(char32_t code, uint16_t property) {
  return (properties()[code] & property) != 0;
}

/// Full lower case, appended as UTF-8.
void append_lowercase(char32_t code, std::string& out);

enum class Form { kNfc, kNfd, kNfkc, kNfkd };
/// The changes that bring a text into a normalisation form.
std::vector<Change> normalise(const std::string& text, Form form);

/// Members of a general category that the installed PCRE2 may be too old to know, as the inside
/// of a class of a regular expression.
std::string newer_ranges(const std::string& category);

}  // namespace ssmi::text
