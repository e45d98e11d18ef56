#pragma once

#include <vector>

#include "ssmi/analysis/probe/corpus.h"
#include "ssmi/analysis/probe/result.h"

namespace ssmi::probe {

/// Where a leaf stands in the file that its function is of.
TokenPlace place_of(const ParsedFunction& parsed, const code::Function& function, int32_t leaf);
/// The same of the leaves of a pair; `functions` are those that the corpus was prepared from.
PairPlace place_of(const Pair& pair, const Corpus& corpus,
                   const std::vector<code::Function>& functions);

/// What groups of pairs a pair belongs to, by name: those of its label, of its first leaf where
/// that is a keyword, of how many leaves lie between both where they are two, and of how long its
/// function is.
std::vector<std::string> relations_of(const Pair& pair, const TaskInfo& task, const Corpus& corpus);

}  // namespace ssmi::probe
