#include "ssmi/code/relations.h"

#include <algorithm>
#include <limits>

#include "ssmi/code/dataflow.h"
#include "ssmi/core/error.h"

namespace ssmi::code {
namespace {

void append(std::vector<Edge>& edges, Edge edge, Relation relation) {
  if (edges.size() >= kMaxEdges) {
    bad_input("more than {} {} edges: give it in smaller pieces", kMaxEdges, name(relation));
  }
  edges.push_back(edge);
}

/// Leaf children of a node, strings not among them: a string is a node with leaves of its own.
void append_leaf_children(const SyntaxTree& tree, const Leaves& leaves, int32_t node,
                          std::vector<int32_t>& found) {
  for (const int32_t child : tree.children(node)) {
    if (leaves.is_leaf(child) && !tree.is(child, Role::kString))
      found.push_back(leaves.first(child));
  }
}

}  // namespace

std::string_view name(Relation relation) {
  switch (relation) {
    case Relation::kDistance:
      return "distance";
    case Relation::kSiblings:
      return "siblings";
    case Relation::kDataFlow:
      return "dfg";
  }
  return "";
}

Relations::Relations(const SyntaxTree& tree, const Leaves& leaves)
    : tree_(tree), leaves_(leaves), meeting_depth_(static_cast<size_t>(leaves.size())) {
  const std::vector<Node>& nodes = tree.nodes();
  for (int32_t i = 1; i < leaves.size(); ++i) {
    int32_t ancestor = leaves[i - 1].node;
    while (nodes[static_cast<size_t>(ancestor)].end <= leaves[i].node) {
      ancestor = nodes[static_cast<size_t>(ancestor)].parent;
    }
    meeting_depth_[static_cast<size_t>(i)] = nodes[static_cast<size_t>(ancestor)].depth;
  }
}

int32_t Relations::distance(int32_t i, int32_t j) const {
  if (i == j) return 0;
  const auto [low, high] = std::minmax(i, j);
  const auto shallowest =
      *std::min_element(meeting_depth_.begin() + low + 1, meeting_depth_.begin() + high + 1);
  return leaves_[i].depth + leaves_[j].depth - 2 * shallowest;
}

std::vector<Edge> Relations::distances(int32_t max) const {
  std::vector<Edge> edges;
  const auto skips = skips_to_shallower();
  for (int32_t i = 0; i < leaves_.size(); ++i) {
    int32_t meeting = leaves_[i].depth;
    for (int32_t j = i + 1; j < leaves_.size();) {
      meeting = std::min(meeting, meeting_depth_[static_cast<size_t>(j)]);
      if (leaves_[i].depth - meeting >= max) break;  // later leaves meet i no lower than this one
      const int32_t distance = leaves_[i].depth + leaves_[j].depth - 2 * meeting;
      if (distance <= max) {
        append(edges, {i, j, distance}, Relation::kDistance);
        ++j;
      } else {  // those up to the next shallower leaf are as far at least
        meeting = std::min(meeting, skips[static_cast<size_t>(j)].meeting);
        j = skips[static_cast<size_t>(j)].next;
      }
    }
  }
  return edges;
}

std::vector<Relations::Skip> Relations::skips_to_shallower() const {
  std::vector<Skip> skips(static_cast<size_t>(leaves_.size()));
  for (int32_t j = leaves_.size() - 1; j >= 0; --j) {
    Skip skip{j + 1, std::numeric_limits<int32_t>::max()};
    while (skip.next < leaves_.size() && leaves_[skip.next].depth >= leaves_[j].depth) {
      const auto& [next, meeting] = skips[static_cast<size_t>(skip.next)];
      skip = {next,
              std::min({skip.meeting, meeting, meeting_depth_[static_cast<size_t>(skip.next)]})};
    }
    skips[static_cast<size_t>(j)] = skip;
  }
  return skips;
}

std::vector<int32_t> Relations::siblings(int32_t i) const {
  std::vector<int32_t> motif;
  const int32_t node = leaves_[i].node;
  const int32_t parent = tree_.nodes()[static_cast<size_t>(node)].parent;
  if (tree_.is(node, Role::kString) || parent < 0) return motif;
  for (const int32_t child : tree_.children(parent)) {
    if (child == node || leaves_.is_left_out(child)) continue;
    if (leaves_.is_leaf(child)) {
      motif.push_back(leaves_.first(child));
    } else if (!tree_.is(child, Role::kBlock)) {
      append_leaf_children(tree_, leaves_, child, motif);
    }
  }
  return motif;
}

std::vector<Edge> Relations::siblings() const {
  std::vector<Edge> edges;
  for (int32_t i = 0; i < leaves_.size(); ++i) {
    for (const int32_t j : siblings(i))
      append(edges, {i, j, 1}, Relation::kSiblings);
  }
  return edges;
}

std::vector<Edge> edges(const SyntaxTree& tree, const Leaves& leaves, Relation relation) {
  switch (relation) {
    case Relation::kDistance:
      return Relations(tree, leaves).distances();
    case Relation::kSiblings:
      return Relations(tree, leaves).siblings();
    case Relation::kDataFlow:
      return data_flow(tree, leaves);
  }
  return {};
}

}  // namespace ssmi::code
