#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ssmi::task {

/// The words of a text, lower case: runs of letters, cut where a name changes case (`readJSONFile`
/// is read, json, file). Bytes that are no ASCII letters part words.
std::vector<std::string> name_words(std::string_view text);

/// Texts by the words they share: cosines of vectors of (1 + ln tf) (1 + ln((1 + n) / (1 + df))).
class TfIdf {
 public:
  explicit TfIdf(std::span<const std::string> texts);

  /// The similarity of a query to each of the texts.
  std::vector<float> similarities(std::string_view query) const;

 private:
  struct Entry {
    size_t text;
    double weight;
  };
  using Weights = std::vector<std::pair<size_t, double>>;  // by word
  Weights weights(const std::vector<std::string>& words) const;

  std::vector<std::pair<std::string, std::vector<Entry>>> words_;  // sorted; who has each
  std::vector<double> rarity_;                                     // by word
  size_t texts_;
};

}  // namespace ssmi::task
