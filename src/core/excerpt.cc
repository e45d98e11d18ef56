#include "ssmi/core/excerpt.h"

#include <fmt/format.h>

#include <algorithm>

namespace ssmi {

std::string excerpt(std::string_view text, size_t max_bytes) {
  size_t length = text.size();
  if (length > max_bytes) {
    length = max_bytes;
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
      --length;
  }
  std::string result(text.substr(0, length));
  for (char& character : result) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7F) character = '?';
  }
  if (length < text.size()) result += "...";
  return result;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kShown = 5;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i)
    text += fmt::format("{}'{}'", i == 0 ? "" : ", ", excerpt(names[i]));
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

}  // namespace ssmi
