#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ssmi/code/leaves.h"

namespace ssmi::code {

/// The three relations between leaves that probing data are drawn from.
enum class Relation { kDistance, kSiblings, kDataFlow };
inline constexpr std::array kRelations{Relation::kDistance, Relation::kSiblings,
                                       Relation::kDataFlow};
std::string_view name(Relation relation);  ///< "distance", "siblings", "dfg"

/// Labels of data-flow edges; siblings have label 1, distance edges the distance.
inline constexpr int32_t kComesFrom = 1;
inline constexpr int32_t kComputedFrom = -1;

/// Leaf `from` (the row) is related to leaf `to` (the column).
struct Edge {
  int32_t from;
  int32_t to;
  int32_t label;
  auto operator<=>(const Edge&) const = default;
};

/// The most edges a relation of one program may have; more is Error{kBadInput}.
inline constexpr size_t kMaxEdges = 10'000'000;

/// Distances and siblings of one program; keeps references to both arguments. Definitions:
/// docs/parse.md.
class Relations {
 public:
  static constexpr int32_t kMaxDistance = 6;

  Relations(const SyntaxTree& tree, const Leaves& leaves);

  /// Edges on the path through the lowest common ancestor: 0 for i = j, else at least 2. O(|i -
  /// j|).
  int32_t distance(int32_t i, int32_t j) const;
  /// Every pair i < j with distance(i, j) <= max, in order.
  std::vector<Edge> distances(int32_t max = kMaxDistance) const;
  /// The leaves that are in the motif of leaf i, rising. Directional: i need not be in theirs.
  std::vector<int32_t> siblings(int32_t i) const;
  /// Every sibling pair, in order.
  std::vector<Edge> siblings() const;

 private:
  /// The next leaf that is shallower, and the depth of the common ancestor of all before it.
  struct Skip {
    int32_t next, meeting;
  };
  std::vector<Skip> skips_to_shallower() const;

  const SyntaxTree& tree_;
  const Leaves& leaves_;
  std::vector<int32_t> meeting_depth_;  // by leaf i: of the common ancestor of i - 1 and i
};

/// The edges of one relation, in order.
std::vector<Edge> edges(const SyntaxTree& tree, const Leaves& leaves, Relation relation);

}  // namespace ssmi::code
