#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ssmi/analysis/probe/task.h"
#include "ssmi/code/leaves.h"
#include "ssmi/core/random.h"

namespace ssmi::probe {

/// A pair of leaves of a function that a task may draw; a leaf alone is both.
struct Candidate {
  int32_t first;
  int32_t second;
  std::string_view label;  ///< of the grammar or of ours: text that stays
};

/// Whether a leaf may be the first of a distance or sibling pair. `reference_slip` leaves out
/// Python's `true` and `or`, which a missing comma hides in the reference implementation.
bool is_probed_keyword(const code::SyntaxTree& tree, const code::Leaf& leaf, bool reference_slip);

/// Every pair of one function that a task can draw.
/// - Distance: first leaf a keyword, 2..6 apart.
/// - Siblings: a keyword with each leaf of its motif (1), and as many unrelated leaves (0).
/// - Data flow: each edge but those from a leaf to itself and pairs with both kinds, and half as
///   many unrelated leaves for each first leaf (0).
/// - Definition: code::definitions() of the uses that have both labels.
/// and every leaf
/// - node type: whose text does not spell its type, with the grammar's name of it,
/// - parent type, depth: with that of its parent, and Leaf::depth (to 255),
/// - role: that has one of code::name_roles().
std::vector<Candidate> candidate_pairs(const code::SyntaxTree& tree, const code::Leaves& leaves,
                                       Task task, bool reference_slip, Random& random);

/// The labels of a task that takes them from its data: of those that at least `least` candidates
/// have the 12 that occur in most functions (ties by name), in their order.
std::vector<std::string> frequent_labels(std::span<const std::vector<Candidate>> candidates,
                                         int64_t least);

}  // namespace ssmi::probe
