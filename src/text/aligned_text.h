#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ssmi/text/tokenizer.h"

namespace ssmi::text {

/// What takes the place of characters: `change` 0 replaces the next one, 1 adds to it, -n replaces
/// it and removes n more.
struct Change {
  char32_t code;
  int32_t change;
};

/// A stretch of a text that may have been normalised: each byte with the bytes of the original
/// that its character stands for. The rules by which those move are those of PyPI `tokenizers`.
class AlignedText {
 public:
  AlignedText() = default;
  /// text[begin, end) as it stands; must be UTF-8.
  AlignedText(std::string_view text, int64_t begin, int64_t end);

  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  /// The bytes of the original that this stretch covers.
  Span whole() const { return whole_; }
  /// The bytes of the original behind [begin, end), which must not be empty.
  Span original(size_t begin, size_t end) const { return {place(begin).begin, place(end - 1).end}; }
  AlignedText slice(size_t begin, size_t end) const;

  /// Replaces the whole text, whose first `removed` characters fall away.
  void transform(std::span<const Change> changes, size_t removed = 0);
  /// Keeps characters that keep(code) holds of, as map(code) (one character for one).
  template <typename Keep, typename Map>
  void filter(Keep keep, Map map);
  /// Each character becomes those that expand(code, out) appends, standing for the same bytes.
  template <typename Expand>
  void expand(Expand expand);
  void prepend(std::string_view prefix);
  /// Replaces the given matches by `content`.
  void replace(std::span<const std::pair<size_t, size_t>> matches, std::string_view content);
  /// Cuts both ends off.
  void keep(size_t begin, size_t end);

 private:
  /// The bytes of the original behind one byte.
  Span place(size_t at) const { return plain_ ? place_in_plain(at) : from_[at]; }
  Span place_in_plain(size_t at) const;
  /// Fills from_, which a change of the text needs.
  void spell_out();

  std::string text_;
  std::vector<Span> from_;  // for each byte of text_, unless it is plain
  Span whole_;
  bool plain_ = false;  // text_ is that of the original at base_, but for characters of one byte
  int64_t base_ = 0;
};

}  // namespace ssmi::text

#include "aligned_text_templates.h"
