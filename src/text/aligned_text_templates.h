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
  from.reserve(text_.size());
  for (size_t at = 0; at < text_.size();) {
    const Character next = character_at(text_, at);
    expand(next.code, text);
    from.resize(text.size(), from_[at]);
    at += next.size;
  }
  text_ = std::move(text);
  from_ = std::move(from);
}

}  // namespace ssmi::text
