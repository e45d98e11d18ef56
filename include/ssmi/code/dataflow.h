#pragma once

#include <vector>

#include "ssmi/code/relations.h"

namespace ssmi::code {

/// Throws Error{kMismatch}, naming those for which data flow is known, for any other language.
void require_data_flow(const Language& language);

/// The data flow of GraphCodeBERT (Guo et al. 2021): for Python as its extractor computes it,
/// oddities included, for Java and JavaScript by rules after its; docs/parse.md has both. Edges run
/// from a variable occurrence to each of its sources, with label kComesFrom or kComputedFrom;
/// sorted, each once. Throws Error{kBadInput} on more than kMaxEdges, Error{kMismatch} as
/// require_data_flow() does.
std::vector<Edge> data_flow(const SyntaxTree& tree, const Leaves& leaves);

}  // namespace ssmi::code
