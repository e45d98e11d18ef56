#include "pipeline.h"

#include <algorithm>
#include <limits>

#include "ssmi/core/error.h"
#include "unicode.h"
#include "utf8.h"

namespace ssmi::text {
namespace {

/// Spaces (or what GPT-2's alphabet writes for one) that a token begins and ends with.
std::pair<uint32_t, uint32_t> edges_of(std::string_view token) {
  const char32_t written = byte_character(' ');
  const auto space = [&](const Character& c) {
    return c.code == written || has(c.code, property::kSpace);
  };
  std::pair<uint32_t, uint32_t> edges{0, 0};
  for (size_t at = 0; at < token.size() && space(character_at(token, at)); ++edges.first)
    at += character_size(token[at]);
  for (size_t end = token.size(); end > 0 && space(character_before(token, end)); ++edges.second)
    end -= character_before(token, end).size;
  return edges;
}

/// The bytes that a token in GPT-2's alphabet stands for; the token itself if it is not in it.
std::string bytes_of(const std::string& token) {
  static const auto kBytes = [] {
    std::unordered_map<char32_t, char> bytes;
    for (int byte = 0; byte < 256; ++byte)
      bytes[byte_character(static_cast<unsigned char>(byte))] = static_cast<char>(byte);
    return bytes;
  }();
  std::string out;
  for (const char32_t code : to_utf32(token)) {
    const auto found = kBytes.find(code);
    if (found == kBytes.end()) return token;
    out.push_back(found->second);
  }
  return out;
}

}  // namespace

Pipeline::Pipeline(Steps steps) : steps_(std::move(steps)) {
  for (const auto& step : steps_.pre_tokenizers)
    byte_level_ |= dynamic_cast<const ByteLevel*>(step.get()) != nullptr;
  int64_t last = -1;
  for (const auto& [id, name] : steps_.model->tokens().names()) {
    last = std::max(last, id);
    if (steps_.post.trims.empty()) continue;
    const auto edges = edges_of(name);
    if (edges.first + edges.second > 0) edges_[id] = edges;
  }
  for (const auto& [id, token] : steps_.added.tokens())
    last = std::max(last, id);
  for (const auto& ids : {steps_.post.before, steps_.post.after})
    for (const int64_t id : ids)
      last = std::max(last, id);
  vocab_size_ = last + 1;
}

Pipeline::~Pipeline() = default;

std::string Pipeline::token(int64_t id) const {
  const auto added = steps_.added.tokens().find(id);
  if (added != steps_.added.tokens().end()) return added->second.content;
  const std::string* name = steps_.model->tokens().name(id);
  if (name == nullptr) return "<unused>";
  return byte_level_ ? bytes_of(*name) : *name;
}

std::vector<AlignedText> Pipeline::words_of(AlignedText piece) const {
  std::vector<AlignedText> words;
  words.push_back(std::move(piece));
  for (const auto& step : steps_.pre_tokenizers) {
    std::vector<AlignedText> parts;
    for (AlignedText& word : words)
      step->cut(std::move(word), parts);
    std::erase_if(parts, [](const AlignedText& part) { return part.empty(); });
    words = std::move(parts);
  }
  return words;
}

std::vector<Pipeline::Cut> Pipeline::tokens_of(std::string_view text) const {
  std::vector<Cut> cuts;
  std::vector<Token> tokens;
  for (Piece& piece : steps_.added.cut(text, steps_.normalizers)) {
    if (piece.added >= 0) {
      cuts.push_back({piece.added, piece.text.original(0, piece.text.text().size()),
                      edges_of(piece.text.text())});
      continue;
    }
    for (const AlignedText& word : words_of(std::move(piece.text))) {
      tokens.clear();
      steps_.model->cut(word.text(), tokens);
      for (const Token& token : tokens) {
        const auto edges = edges_.find(token.id);
        cuts.push_back({token.id, word.original(token.begin, token.end),
                        edges == edges_.end() ? std::pair(0U, 0U) : edges->second});
      }
    }
  }
  return cuts;
}

void Pipeline::trim(std::string_view text, bool first_is_added, std::vector<Cut>& tokens) const {
  for (size_t i = 0; i < tokens.size(); ++i) {
    Span& span = tokens[i].span;
    auto [leading, trailing] = tokens[i].edges;
    const bool is_first = i == 0 || span.begin == 0;
    if (is_first && first_is_added && leading == 1) leading = 0;
    for (; leading > 0 && span.begin < span.end; --leading)
      span.begin += static_cast<int64_t>(character_size(text[static_cast<size_t>(span.begin)]));
    for (; trailing > 0 && span.begin < span.end; --trailing) {
      span.end -= static_cast<int64_t>(character_before(text, static_cast<size_t>(span.end)).size);
    }
  }
}

Encoding Pipeline::cut(std::string_view source, Markers markers) const {
  if (source.size() > std::numeric_limits<int32_t>::max()) {
    fail(ExitCode::kMismatch, "a text of {} bytes; at most 2 GiB are cut into tokens",
         source.size());
  }
  const ValidText valid(source);
  std::vector<Cut> tokens = tokens_of(valid.text());
  for (const bool first_is_added : steps_.post.trims)
    trim(valid.text(), first_is_added, tokens);
  Encoding encoding;
  const auto mark = [&](const std::vector<int64_t>& ids, size_t place) {
    if (markers == Markers::kNone) return;
    for (const int64_t id : ids) {
      encoding.ids.push_back(id);
      encoding.spans.push_back({static_cast<int64_t>(place), static_cast<int64_t>(place)});
    }
  };
  mark(steps_.post.before, 0);
  Span last;
  for (const Cut& token : tokens) {
    // Neither end ever decreases, even where added tokens share spaces.
    last = {std::max(last.begin, valid.source(token.span.begin)),
            std::max(last.end, valid.source(token.span.end))};
    encoding.ids.push_back(token.id);
    encoding.spans.push_back(last);
  }
  mark(steps_.post.after, source.size());
  return encoding;
}

}  // namespace ssmi::text
