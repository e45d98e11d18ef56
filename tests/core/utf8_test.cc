#include "ssmi/core/utf8.h"

#include <cstdint>
#include <string>

#include "support.h"

namespace ssmi {
namespace {

/// The bytes of a code by the arithmetic of the definition.
std::string encoded(uint32_t code, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) {
    const uint32_t lead = bytes == 1 ? 0 : 0x100 - (0x100U >> bytes);
    text += static_cast<char>(i == bytes - 1 ? lead | code >> (6 * i)
                                             : 0x80 | (code >> (6 * i) & 0x3F));
  }
  return text;
}

TEST_CASE("utf8: every code is taken in its shortest form alone") {
  for (uint32_t code = 0; code < 0x120000; code += code < 0x10000 ? 1 : 61) {
    CAPTURE(code);
    const int shortest = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    const bool is_character = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    REQUIRE(is_utf8(encoded(code, shortest)) == is_character);
    if (shortest < 4) REQUIRE_FALSE(is_utf8(encoded(code, shortest + 1)));
  }
}

TEST_CASE("utf8: a cut character, a lone continuation, bytes of no character") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("a\xC3\xA9z"));
  for (const char* text : {"\xC3", "a\xE2\x82", "\xF0\x9F\x98", "\x80", "a\xBFz", "\xFF", "\xF8",
                           "\xC3z", "\xE2\x82z", "\xC3\xA9\xA9"}) {
    CAPTURE(text);
    CHECK_FALSE(is_utf8(text));
  }
}

}  // namespace
}  // namespace ssmi
