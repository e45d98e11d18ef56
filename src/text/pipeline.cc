#include "pipeline.h"

#include <algorithm>
#include <limits>

#include "bpe.h"
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

/// Where the part of a word that begins at `begin` ends: before a mark that is not behind another.
size_t part_end(std::string_view word, size_t begin) {
  size_t at = word.find(Bpe::kMark, begin + 1);
  while (at != word.npos && word.substr(0, at).ends_with(Bpe::kMark))
    at = word.find(Bpe::kMark, at + 1);
  return std::min(at, word.size());
}

}  // namespace

Pipeline::Pipeline(Steps steps) : steps_(std::move(steps)) {
  const auto is_alphabet = [](const auto& step) {
    return dynamic_cast<const ByteAlphabet*>(step.get()) != nullptr;
  };
  byte_level_ = std::ranges::any_of(steps_.pre_tokenizers, is_alphabet);
  writes_words_ = byte_level_ && is_alphabet(steps_.pre_tokenizers.back());
  if (writes_words_) steps_.pre_tokenizers.pop_back();
  const auto* bpe = dynamic_cast<const Bpe*>(steps_.model.get());
  parts_words_ = bpe != nullptr && !writes_words_ && bpe->parts_before_mark();
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

Pipeline::Words Pipeline::words_of(AlignedText piece) const {
  Words words;
  words.words.push_back({0, 0, piece.text().size()});
  words.texts.push_back(std::move(piece));
  std::vector<Match> parts;
  for (const auto& step : steps_.pre_tokenizers) {
    if (step->rewrites()) {
      Words rewritten;
      for (const auto& [text, begin, end] : words.words) {
        AlignedText& word = rewritten.texts.emplace_back(words.texts[text].slice(begin, end));
        step->rewrite(word);
        rewritten.words.push_back({rewritten.texts.size() - 1, 0, word.text().size()});
      }
      words = std::move(rewritten);
    }
    std::vector<Words::Word> smaller;
    for (const auto& [text, begin, end] : words.words) {
      parts.clear();
      step->cut(std::string_view(words.texts[text].text()).substr(begin, end - begin), parts);
      for (const auto& [first, last] : parts)
        if (first < last) smaller.push_back({text, begin + first, begin + last});
    }
    words.words = std::move(smaller);
  }
  return words;
}

WordCache::Tokens Pipeline::tokens_of_word(std::string_view word, std::vector<Token>& tokens,
                                           WordCache& cache) const {
  if (const auto known = cache.find(word)) return *known;
  tokens.clear();
  if (!writes_words_) {
    steps_.model->cut(word, tokens);
    return cache.keep(word, tokens);
  }
  std::string written;
  std::vector<size_t> from;  // for each byte of it the one of the word
  for (size_t at = 0; at < word.size(); ++at) {
    append_utf8(byte_character(static_cast<unsigned char>(word[at])), written);
    from.resize(written.size(), at);
  }
  steps_.model->cut(written, tokens);
  for (Token& token : tokens)
    token = {token.id, from[token.begin], from[token.end - 1] + 1};
  return cache.keep(word, tokens);
}

std::vector<Pipeline::Cut> Pipeline::tokens_of(std::string_view text) const {
  std::vector<Cut> cuts;
  cuts.reserve(text.size() / 3);
  std::vector<Token> unseen;
  auto cache = caches_.take();
  for (Piece& piece : steps_.added.cut(text, steps_.normalizers)) {
    if (piece.added >= 0) {
      cuts.push_back({piece.added, piece.text.original(0, piece.text.text().size()),
                      edges_of(piece.text.text())});
      continue;
    }
    const Words words = words_of(std::move(piece.text));
    for (const auto& [text, first, last] : words.words) {
      const AlignedText& source = words.texts[text];
      const std::string_view whole = std::string_view(source.text()).substr(0, last);
      for (size_t begin = first, end = first; begin < last; begin = end) {
        end = parts_words_ ? part_end(whole, begin) : last;
        for (const Token& token :
             tokens_of_word(whole.substr(begin, end - begin), unseen, *cache)) {
          const auto edges = edges_.empty() ? edges_.end() : edges_.find(token.id);
          cuts.push_back({token.id, source.original(begin + token.begin, begin + token.end),
                          edges == edges_.end() ? std::pair(0U, 0U) : edges->second});
        }
      }
    }
  }
  caches_.give_back(std::move(cache));
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
  encoding.ids.reserve(tokens.size() + 2);
  encoding.spans.reserve(tokens.size() + 2);
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
