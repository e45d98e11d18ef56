#include "utf8.h"

#include <algorithm>
#include <cstring>

namespace ssmi::text {
namespace {

/// First byte that does not belong to a UTF-8 character; size() where there is none.
size_t first_damage(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    uint64_t word;
    if (at + sizeof word <= text.size()) {
      std::memcpy(&word, text.data() + at, sizeof word);
      if ((word & 0x8080808080808080U) == 0) {
        at += sizeof word;
        continue;
      }
    }
    const int64_t size = scan_character(text, at);
    if (size < 0) return at;
    at += static_cast<size_t>(size);
  }
  return at;
}

}  // namespace

Character character_before(std::string_view text, size_t end) {
  size_t at = end - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80)
    --at;
  return character_at(text, at);
}

void append_utf8(char32_t code, std::string& out) {
  const auto tail = [&](int shift) {
    out.push_back(static_cast<char>(0x80 | (code >> shift & 0x3F)));
  };
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | code >> 12));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::u32string to_utf32(std::string_view text) {
  std::u32string codes;
  codes.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Character next = character_at(text, at);
    codes.push_back(next.code);
    at += next.size;
  }
  return codes;
}

size_t count_characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  }));
}

int64_t scan_character(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) -> int {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : -1;
  };
  const int first = byte(0);
  if (first < 0x80) return 1;
  // Unicode 15, table 3-7: what the second byte may be depends on the first.
  int low = 0x80, high = 0xBF;
  if (first == 0xE0) low = 0xA0;
  if (first == 0xED) high = 0x9F;
  if (first == 0xF0) low = 0x90;
  if (first == 0xF4) high = 0x8F;
  const int64_t size = first < 0xC2   ? 0
                       : first < 0xE0 ? 2
                       : first < 0xF0 ? 3
                       : first < 0xF5 ? 4
                                      : 0;
  if (size == 0 || byte(1) < low || byte(1) > high) return -1;
  for (int64_t i = 2; i < size; ++i) {
    const int next = byte(static_cast<size_t>(i));
    if (next < 0x80 || next > 0xBF) return -i;
  }
  return size;
}

ValidText::ValidText(std::string_view source) : text_(source) {
  size_t at = first_damage(source);
  if (at == source.size()) return;
  const auto copy = [&](std::string_view bytes, size_t place) {
    repaired_ += bytes;
    places_.insert(places_.end(), bytes.size(), static_cast<int64_t>(place));
  };
  repaired_ = source.substr(0, at);
  for (size_t i = 0; i < at; ++i)
    places_.push_back(static_cast<int64_t>(i));
  while (at < source.size()) {
    const int64_t size = scan_character(source, at);
    const auto length = static_cast<size_t>(size < 0 ? -size : size);
    copy(size < 0 ? "\xEF\xBF\xBD" : source.substr(at, length), at);
    at += length;
  }
  places_.push_back(static_cast<int64_t>(source.size()));
  text_ = repaired_;
}

}  // namespace ssmi::text
