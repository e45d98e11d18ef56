#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ssmi/analysis/probe/corpus.h"
#include "ssmi/analysis/probe/logistic.h"

namespace ssmi::probe {

/// What can be known of a pair without a model: one column for each text of a first leaf seen in
/// training, one for each text of a second leaf, and, `with_gap`, one for each distance in leaves
/// from second to first (beyond 16 either way counts as 16). Texts not seen in training have no
/// column; a leaf alone has the first one only.
class TextFeatures {
 public:
  TextFeatures(const std::vector<ParsedFunction>& functions, const std::vector<Pair>& training,
               bool with_gap);
  SparseRows rows(const std::vector<Pair>& pairs) const;

 private:
  const std::vector<ParsedFunction>& functions_;
  std::map<std::string_view, int64_t> first_, second_;
  bool with_gap_;
};

}  // namespace ssmi::probe
