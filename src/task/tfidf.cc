#include "ssmi/task/tfidf.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace ssmi::task {
namespace {

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

}  // namespace

std::vector<std::string> name_words(std::string_view text) {
  std::vector<std::string> words;
  const auto upper = [&](size_t i) { return i < text.size() && is_upper(text[i]); };
  const auto lower = [&](size_t i) { return i < text.size() && is_lower(text[i]); };
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    while (upper(end))
      ++end;
    // Of capitals before a small letter the last one begins its word.
    if (lower(end) && end > begin + 1) --end;
    if (end <= begin + 1) {
      while (lower(end))
        ++end;
    }
    if (end == begin) {
      ++begin;
      continue;
    }
    std::string& word = words.emplace_back(text.substr(begin, end - begin));
    for (char& c : word)
      if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
    begin = end;
  }
  return words;
}

TfIdf::TfIdf(std::span<const std::string> texts) : texts_(texts.size()) {
  std::vector<std::vector<std::string>> words;  // of each text
  std::map<std::string, size_t> having;         // how many texts
  for (const std::string& text : texts) {
    const auto& all = words.emplace_back(name_words(text));
    for (const std::string& word : std::set<std::string>(all.begin(), all.end()))
      ++having[word];
  }
  const auto n = static_cast<double>(texts.size());
  for (const auto& [word, count] : having) {
    words_.emplace_back(word, std::vector<Entry>());
    rarity_.push_back(1 + std::log((1 + n) / (1 + static_cast<double>(count))));
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    for (const auto& [word, weight] : weights(words[i]))
      words_[word].second.push_back({i, weight});
  }
}

TfIdf::Weights TfIdf::weights(const std::vector<std::string>& words) const {
  std::map<size_t, double> counts;  // of known words
  for (const std::string& word : words) {
    const auto found = std::ranges::lower_bound(
        words_, word, {}, [](const auto& w) -> const auto& { return w.first; });
    if (found != words_.end() && found->first == word)
      ++counts[static_cast<size_t>(found - words_.begin())];
  }
  double square = 0;
  for (auto& [word, weight] : counts) {
    weight = (1 + std::log(weight)) * rarity_[word];
    square += weight * weight;
  }
  Weights weights(counts.begin(), counts.end());
  for (auto& [word, weight] : weights)
    weight /= std::sqrt(square);
  return weights;
}

std::vector<float> TfIdf::similarities(std::string_view query) const {
  std::vector<double> sums(texts_);
  for (const auto& [word, weight] : weights(name_words(query))) {
    for (const Entry& entry : words_[word].second)
      sums[entry.text] += weight * entry.weight;
  }
  return {sums.begin(), sums.end()};
}

}  // namespace ssmi::task
