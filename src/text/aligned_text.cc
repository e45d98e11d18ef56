#include "aligned_text.h"

#include <algorithm>

#include "utf8.h"

namespace ssmi::text {

AlignedText::AlignedText(std::string_view text, int64_t begin, int64_t end)
    : text_(text.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin))),
      whole_{begin, end},
      plain_(true),
      base_(begin) {}

Span AlignedText::place_in_plain(size_t at) const {
  while ((static_cast<unsigned char>(text_[at]) & 0xC0) == 0x80)
    --at;
  const int64_t begin = base_ + static_cast<int64_t>(at);
  return {begin, begin + static_cast<int64_t>(character_size(text_[at]))};
}

void AlignedText::spell_out() {
  if (!plain_) return;
  from_.resize(text_.size());
  for (size_t at = 0; at < text_.size();) {
    const size_t size = character_size(text_[at]);
    const int64_t begin = base_ + static_cast<int64_t>(at);
    for (const size_t end = at + size; at < end; ++at)
      from_[at] = {begin, begin + static_cast<int64_t>(size)};
  }
  plain_ = false;
}

AlignedText AlignedText::slice(size_t begin, size_t end) const {
  AlignedText part;
  if (begin == end) return part;
  part.text_ = text_.substr(begin, end - begin);
  part.whole_ = original(begin, end);
  part.plain_ = plain_;
  part.base_ = base_ + static_cast<int64_t>(begin);
  if (plain_) return part;
  part.from_.assign(from_.begin() + static_cast<std::ptrdiff_t>(begin),
                    from_.begin() + static_cast<std::ptrdiff_t>(end));
  return part;
}

void AlignedText::transform(std::span<const Change> changes, size_t removed) {
  spell_out();
  size_t at = 0;  // in the old text
  const auto skip = [&](size_t characters) {
    for (; characters > 0 && at < text_.size(); --characters)
      at += character_size(text_[at]);
  };
  skip(removed);
  std::string text;
  std::vector<Span> from;
  text.reserve(text_.size());
  from.reserve(text_.size());
  for (const auto& [code, change] : changes) {
    Span place{whole_.begin, whole_.begin};
    if (change <= 0) {
      if (at < text_.size()) place = from_[at];
      skip(1 + static_cast<size_t>(-change));
    } else if (at > 0) {
      place = from_[at - 1];
    }
    append_utf8(code, text);
    from.resize(text.size(), place);
  }
  text_ = std::move(text);
  from_ = std::move(from);
}

void AlignedText::prepend(std::string_view prefix) {
  if (text_.empty()) return;
  spell_out();
  text_.insert(0, prefix);
  from_.insert(from_.begin(), prefix.size(), from_.front());
}

void AlignedText::replace(std::span<const std::pair<size_t, size_t>> matches,
                          std::string_view content) {
  if (matches.empty()) return;
  spell_out();
  std::string text;
  std::vector<Span> from;
  text.reserve(text_.size() + matches.size() * content.size());
  from.reserve(text.capacity());
  size_t done = 0;
  const auto copy = [&](size_t end) {
    text.append(text_, done, end - done);
    from.insert(from.end(), from_.begin() + static_cast<std::ptrdiff_t>(done),
                from_.begin() + static_cast<std::ptrdiff_t>(end));
  };
  for (const auto& [begin, end] : matches) {
    copy(begin);
    text += content;
    from.resize(text.size(), end > 0 ? from_[end - 1] : Span{whole_.begin, whole_.begin});
    done = end;
  }
  copy(text_.size());
  text_ = std::move(text);
  from_ = std::move(from);
}

void AlignedText::keep(size_t begin, size_t end) {
  text_ = text_.substr(begin, end - begin);
  base_ += static_cast<int64_t>(begin);
  if (plain_) return;
  from_ = {from_.begin() + static_cast<std::ptrdiff_t>(begin),
           from_.begin() + static_cast<std::ptrdiff_t>(end)};
}

}  // namespace ssmi::text
