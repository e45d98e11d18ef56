#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ssmi/code/leaves.h"

namespace ssmi::code {

/// A non-terminal node over the leaves [first, end).
struct Constituent {
  std::string label;
  int32_t first;
  int32_t end;
  auto operator<=>(const Constituent&) const = default;
};

/// Every node that has leaves below it, in preorder. Leaves themselves are none.
std::vector<Constituent> constituents(const SyntaxTree& tree, const Leaves& leaves);

/// Joins the labels of a chain of nodes with the same leaves, the outermost first. No grammar has
/// it in a node type.
inline constexpr std::string_view kFused = "<sep>";

/// A tree of T leaves as three sequences (Lopez et al. 2022, "AST-Probe", arXiv 2206.11719). They
/// describe a binary tree: a chain of nodes over the same leaves is one node or, over a single
/// leaf, that leaf's unary label; of children x1 .. xn, n > 2, the second is a node without label,
/// with the children x2 .. xn.
struct TreeTuple {
  /// [T - 1] Of the lowest common ancestor of leaves i and i + 1: 1 where both are its children.
  std::vector<int32_t> heights;
  std::vector<std::string> labels;  ///< [T - 1] of that ancestor; "" for none
  std::vector<std::string> unary;   ///< [T] of leaf i; "" for none
};

/// Of a tree of `leaves` leaves whose constituents are given in preorder, the first over all
/// leaves.
TreeTuple to_tuple(std::span<const Constituent> tree, int32_t leaves);

/// The way back: constituents in preorder, without nodes that have no label. A span of leaves is
/// split where its height is greatest, at the first such place. In the heights of a tree the
/// greatest is unique, so what to_tuple() was given comes back; from any others, which a probe may
/// predict, a tree comes too. Throws Error{kBug} unless there are T - 1 heights and labels for T
/// unary labels (none for T = 0). O(T log T).
std::vector<Constituent> constituents(std::span<const double> heights,
                                      std::span<const std::string> labels,
                                      std::span<const std::string> unary);

/// How far predicted constituents agree with a tree's.
struct Agreement {
  double precision;
  double recall;
  double f1;
};

/// Over multisets of (label, span), in any order; 0 where nothing agrees.
Agreement agreement(std::vector<Constituent> answer, std::vector<Constituent> predicted);

}  // namespace ssmi::code
