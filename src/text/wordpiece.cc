#include "wordpiece.h"

#include <algorithm>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "utf8.h"

namespace ssmi::text {

WordPiece::WordPiece(TokenMap tokens, Options options, std::string where)
    : tokens_(std::move(tokens)), options_(std::move(options)), where_(std::move(where)) {
  for (const auto& [token, id] : tokens_.ids())
    longest_ = std::max(longest_, token.size());
}

void WordPiece::cut(std::string_view piece, std::vector<Token>& out) const {
  const auto unknown = [&] {
    const auto id = tokens_.id(options_.unknown);
    if (!id) {
      bad_input(
          "{}: the text has '{}', which the vocabulary lacks as it does the unknown token '{}'",
          where_, excerpt(piece), excerpt(options_.unknown));
    }
    out.push_back({*id, 0, piece.size()});
  };
  if (count_characters(piece) > options_.max_characters) return unknown();
  const size_t first = out.size();
  std::string token;
  for (size_t begin = 0; begin < piece.size();) {
    token = begin > 0 ? options_.prefix : std::string();
    const size_t prefix = token.size();
    token += piece.substr(begin, longest_);
    // Down to a boundary of characters, for the cut may be inside of one.
    size_t end = begin + (token.size() - prefix);
    const auto inside = [&] {
      return end < piece.size() && (static_cast<unsigned char>(piece[end]) & 0xC0) == 0x80;
    };
    std::optional<int64_t> id;
    for (; end > begin; --end) {
      if (inside()) continue;
      id = tokens_.id(std::string_view(token).substr(0, prefix + end - begin));
      if (id) break;
    }
    if (!id) {
      out.resize(first);
      return unknown();
    }
    out.push_back({*id, begin, end});
    begin = end;
  }
}

}  // namespace ssmi::text
