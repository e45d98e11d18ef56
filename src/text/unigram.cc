#include "unigram.h"

#include <algorithm>
#include <limits>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "utf8.h"

namespace ssmi::text {

Unigram::Unigram(const Scores& scores, std::optional<int64_t> unknown, bool byte_fallback,
                 std::string where)
    : nodes_(1), unknown_(unknown), byte_fallback_(byte_fallback), where_(std::move(where)) {
  double least = std::numeric_limits<double>::infinity();
  for (size_t id = 0; id < scores.size(); ++id) {
    const auto& [token, score] = scores[id];
    tokens_.add(token, static_cast<int64_t>(id));
    scores_.push_back(score);
    least = std::min(least, score);
  }
  for (const auto& [token, id] : tokens_.ids())
    if (!token.empty()) insert(token, id);
  constexpr double kPenalty = 10.0;
  unknown_score_ = least - kPenalty;
}

void Unigram::insert(const std::string& token, int64_t id) {
  size_t at = 0;
  for (const char byte : token) {
    const size_t edge = nodes_[at].labels.find(byte);
    if (edge != std::string::npos) {
      at = nodes_[at].edges[edge];
      continue;
    }
    const size_t made = nodes_.size();
    nodes_[at].labels.push_back(byte);
    nodes_[at].edges.push_back(static_cast<uint32_t>(made));
    nodes_.emplace_back();
    at = made;
  }
  nodes_[at].id = id;
}

void Unigram::emit(std::string_view text, size_t begin, std::vector<Token>& out) const {
  const size_t end = begin + text.size();
  if (const auto id = tokens_.id(text)) {
    out.push_back({*id, begin, end});
    return;
  }
  if (byte_fallback_) {
    std::vector<Token> bytes;
    for (const char byte : text) {
      const auto id = tokens_.id(fmt::format("<0x{:02X}>", static_cast<unsigned char>(byte)));
      if (!id) break;
      bytes.push_back({*id, begin, end});
    }
    if (bytes.size() == text.size()) {
      out.insert(out.end(), bytes.begin(), bytes.end());
      return;
    }
  }
  out.push_back({unknown_.value(), begin, end});
}

void Unigram::cut(std::string_view piece, std::vector<Token>& out) const {
  struct Best {
    double score = 0.0;
    size_t begin = std::string_view::npos;
    int64_t id = 0;
  };
  std::vector<Best> best(piece.size() + 1);  // best[e]: the cut of piece[0, e)
  const auto offer = [&](size_t begin, size_t end, int64_t id, double score) {
    Best& node = best[end];
    const double total = score + best[begin].score;
    if (node.begin == std::string_view::npos || total > node.score) node = {total, begin, id};
  };
  for (size_t begin = 0, size = 0; begin < piece.size(); begin += size) {
    size = character_size(piece[begin]);
    bool single = false;
    size_t at = 0;
    for (size_t end = begin; end < piece.size();) {
      const size_t edge = nodes_[at].labels.find(piece[end]);
      if (edge == std::string::npos) break;
      at = nodes_[at].edges[edge];
      ++end;
      if (nodes_[at].id < 0) continue;
      offer(begin, end, nodes_[at].id, scores_[static_cast<size_t>(nodes_[at].id)]);
      single |= end - begin == size;
    }
    if (single) continue;
    const size_t end = begin + size;
    const double total = unknown_score_ + best[begin].score;
    if (best[end].begin != std::string_view::npos && total <= best[end].score) continue;
    if (!unknown_) {
      bad_input("{}: the text has '{}', which the vocabulary lacks, and it names no unknown token",
                where_, excerpt(piece.substr(begin, size)));
    }
    offer(begin, end, *unknown_, unknown_score_);
  }
  std::vector<std::pair<size_t, size_t>> cuts;  // from the last to the first
  bool open = false;                            // the last cut is unknown and may grow
  for (size_t end = piece.size(); end > 0;) {
    const Best& node = best[end];
    const bool is_unknown = unknown_ && node.id == *unknown_;
    if (is_unknown && open) {
      cuts.back().first = node.begin;
    } else {
      cuts.emplace_back(node.begin, end);
    }
    open = is_unknown;
    end = node.begin;
  }
  for (auto cut = cuts.rbegin(); cut != cuts.rend(); ++cut)
    emit(piece.substr(cut->first, cut->second - cut->first), cut->first, out);
}

}  // namespace ssmi::text
