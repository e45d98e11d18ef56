#include "ssmi/core/utf8.h"

#include <cstddef>

namespace ssmi {
namespace {

/// How many bytes follow the first of a character, and what the first of those lies between.
struct Continuation {
  size_t count;
  unsigned char low = 0x80, high = 0xBF;
};

Continuation continuation_of(unsigned char first) {
  constexpr Continuation kNone{SIZE_MAX};
  if (first < 0x80) return {0};
  if (first < 0xC2) return kNone;
  if (first < 0xE0) return {1};
  if (first == 0xE0) return {2, 0xA0};
  if (first == 0xED) return {2, 0x80, 0x9F};
  if (first < 0xF0) return {2};
  if (first == 0xF0) return {3, 0x90};
  if (first < 0xF4) return {3};
  if (first == 0xF4) return {3, 0x80, 0x8F};
  return kNone;
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    auto [count, low, high] = continuation_of(static_cast<unsigned char>(text[at]));
    ++at;
    if (count > text.size() - at) return false;
    for (const size_t end = at + count; at < end; ++at, low = 0x80, high = 0xBF) {
      const auto byte = static_cast<unsigned char>(text[at]);
      if (byte < low || byte > high) return false;
    }
  }
  return true;
}

}  // namespace ssmi
