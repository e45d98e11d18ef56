#include "added_tokens.h"

#include <algorithm>

#include "unicode.h"
#include "utf8.h"

namespace ssmi::text {
namespace {

bool has_before(std::string_view text, size_t end, uint16_t property) {
  return end > 0 && has(character_before(text, end).code, property);
}

bool has_at(std::string_view text, size_t at, uint16_t property) {
  return at < text.size() && has(character_at(text, at).code, property);
}

}  // namespace

AddedTokens::AddedTokens(const std::vector<AddedToken>& tokens, const Normalizers& normalizers) {
  for (const AddedToken& token : tokens)
    if (!token.content.empty()) tokens_.insert_or_assign(token.id, token);
  for (const auto& [id, token] : tokens_) {
    std::string needle = token.content;
    if (token.normalized) {
      AlignedText text(needle, 0, static_cast<int64_t>(needle.size()));
      for (const auto& normalizer : normalizers)
        normalizer->apply(text);
      needle = text.text();
    }
    if (needle.empty()) continue;
    Needles& needles = token.normalized ? normalized_ : plain_;
    needles.empty = false;
    needles.by_byte[static_cast<unsigned char>(needle[0])].emplace_back(needle, id);
  }
  for (Needles* needles : {&plain_, &normalized_}) {
    for (auto& list : needles->by_byte) {
      std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
        return a.first.size() > b.first.size();
      });
    }
  }
}

const std::pair<std::string, int64_t>* AddedTokens::longest(const Needles& needles,
                                                            std::string_view text,
                                                            size_t at) const {
  for (const auto& needle : needles.by_byte[static_cast<unsigned char>(text[at])]) {
    if (text.substr(at, needle.first.size()) == needle.first) return &needle;
  }
  return nullptr;
}

std::vector<AddedTokens::Found> AddedTokens::find(std::string_view text, bool normalized) const {
  const Needles& needles = normalized ? normalized_ : plain_;
  std::vector<Found> found;
  size_t done = 0;
  for (size_t at = 0; !needles.empty && at < text.size();) {
    while (at < text.size() && needles.by_byte[static_cast<unsigned char>(text[at])].empty())
      ++at;
    if (at == text.size()) break;
    const auto* needle = longest(needles, text, at);
    if (needle == nullptr) {
      ++at;
      continue;
    }
    size_t begin = at, end = at + needle->first.size();
    at = end;
    const AddedToken& token = tokens_.at(needle->second);
    if (token.single_word &&
        (has_before(text, begin, property::kWord) || has_at(text, end, property::kWord))) {
      continue;
    }
    if (token.lstrip) {
      while (begin > done && has_before(text, begin, property::kSpace))
        begin -= character_before(text, begin).size;
      begin = std::max(begin, done);
    }
    if (token.rstrip) {
      while (has_at(text, end, property::kSpace))
        end += character_size(text[end]);
    }
    // Spaces that a token before has taken in may hold a token themselves.
    if (end < done) continue;
    if (done < begin) found.push_back({done, begin, -1});
    found.push_back({begin, end, token.id});
    done = end;
  }
  if (done < text.size()) found.push_back({done, text.size(), -1});
  return found;
}

std::vector<Piece> AddedTokens::cut(std::string_view text, const Normalizers& normalizers) const {
  std::vector<Piece> pieces;
  for (const Found& plain : find(text, false)) {
    AlignedText part(text, static_cast<int64_t>(plain.begin), static_cast<int64_t>(plain.end));
    if (plain.id >= 0) {
      pieces.push_back({std::move(part), plain.id});
      continue;
    }
    for (const auto& normalizer : normalizers)
      normalizer->apply(part);
    for (const Found& inner : find(part.text(), true)) {
      if (inner.begin < inner.end) pieces.push_back({part.slice(inner.begin, inner.end), inner.id});
    }
  }
  return pieces;
}

}  // namespace ssmi::text
