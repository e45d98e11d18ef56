#pragma once

#include "aligned_text.h"
#include "utf8.h"

namespace ssmi::text {

template <typename Keep, typename Map>
void AlignedText::filter(Keep keep, Map map) {
  expand([&](char32_t code, std::string& out) {
    if (keep(code)) append_utf8(map(code), out);
  });
}

template <typename Expand>
void AlignedText::expand(Expand expand) {
  std::string text;
  std::vector<Span> from;
  text.reserve(text_.size());
  bool plain = plain_;
  for (size_t at = 0; at < text_.size();) {
    const Character next = character_at(text_, at);
    const size_t before = text.size();
    expand(next.code, text);
    if (plain && (text.size() - before != next.size ||
                  (next.size > 1 && text.compare(before, next.size, text_, at, next.size) != 0))) {
      plain = false;
      from.reserve(text_.size());
      for (size_t i = 0; i < at; ++i)
        from.push_back(place(i));
    }
    if (!plain) from.resize(text.size(), place(at));
    at += next.size;
  }
  plain_ = plain;
  text_ = std::move(text);
  from_ = std::move(from);
}

}  // namespace ssmi::text
