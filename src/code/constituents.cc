#include "ssmi/code/constituents.h"

#include <algorithm>
#include <iterator>

#include "ssmi/core/error.h"

namespace ssmi::code {
namespace {

bool same_leaves(const Constituent& a, const Constituent& b) {
  return a.first == b.first && a.end == b.end;
}

std::string fused(std::span<const Constituent> chain) {
  std::string label = chain.front().label;
  for (const Constituent& node : chain.subspan(1))
    label.append(kFused).append(node.label);
  return label;
}

/// The largest subtree so far that begins at a leaf, of the binary tree.
struct Subtree {
  int32_t end;
  int32_t height;
};

/// Makes one subtree of those between the ends of a node, pairwise from the right, and notes the
/// height of each pair. `subtrees` are by first leaf.
void binarise(const Constituent& node, std::vector<Subtree>& subtrees,
              std::vector<int32_t>& heights) {
  std::vector<size_t> starts;
  for (int32_t at = node.first; at < node.end; at = subtrees[starts.back()].end)
    starts.push_back(static_cast<size_t>(at));
  int32_t height = subtrees[starts.back()].height;
  for (size_t i = starts.size() - 1; i > 0; --i) {
    height = 1 + std::max(subtrees[starts[i - 1]].height, height);
    heights[starts[i] - 1] = height;
  }
  subtrees[starts.front()] = {node.end, height};
}

/// A node of a binary tree: leaves [first, end), and its (fused) label.
struct BinaryNode {
  int32_t first;
  int32_t end;
  std::string_view label;
};

/// The inner nodes of the tree that splitting at the greatest height gives, by the place where they
/// split: node i reaches from the last place before i that is as high, to the next that is higher.
std::vector<BinaryNode> split_by_height(std::span<const double> heights,
                                        std::span<const std::string> labels) {
  const auto count = static_cast<int32_t>(heights.size());
  std::vector<BinaryNode> nodes;
  std::vector<size_t> open;  // whose end is not known yet; heights do not rise
  for (size_t i = 0; i < heights.size(); ++i) {
    while (!open.empty() && heights[open.back()] < heights[i]) {
      nodes[open.back()].end = static_cast<int32_t>(i) + 1;
      open.pop_back();
    }
    const int32_t first = open.empty() ? 0 : static_cast<int32_t>(open.back()) + 1;
    nodes.push_back({first, count + 1, labels[i]});
    open.push_back(i);
  }
  return nodes;
}

/// Appends one constituent for each part of the label.
void append_unfused(const BinaryNode& node, std::vector<Constituent>& tree) {
  for (size_t begin = 0;;) {
    const size_t end = node.label.find(kFused, begin);
    tree.push_back({std::string(node.label.substr(begin, end - begin)), node.first, node.end});
    if (end == node.label.npos) return;
    begin = end + kFused.size();
  }
}

double share(size_t part, size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::vector<Constituent> constituents(const SyntaxTree& tree, const Leaves& leaves) {
  std::vector<Constituent> found;
  const auto count = static_cast<int32_t>(tree.nodes().size());
  for (int32_t n = 0; n < count; ++n) {
    if (leaves.first(n) == leaves.last(n) || leaves.is_leaf(n)) continue;
    found.push_back({std::string(tree.type(n)), leaves.first(n), leaves.last(n)});
  }
  return found;
}

TreeTuple to_tuple(std::span<const Constituent> tree, int32_t leaves) {
  const auto count = static_cast<size_t>(leaves);
  const size_t inner = std::max<size_t>(count, 1) - 1;
  TreeTuple tuple{std::vector<int32_t>(inner), std::vector<std::string>(inner),
                  std::vector<std::string>(count)};
  std::vector<Subtree> subtrees;
  for (int32_t i = 0; i < leaves; ++i)
    subtrees.push_back({i + 1, 0});
  for (size_t end = tree.size(); end > 0;) {  // against preorder: children before their parent
    size_t top = end - 1;
    while (top > 0 && same_leaves(tree[top - 1], tree[top]))
      --top;
    const Constituent& node = tree[top];
    const auto first = static_cast<size_t>(node.first);
    std::string& label = node.end == node.first + 1
                             ? tuple.unary[first]
                             : tuple.labels[static_cast<size_t>(subtrees[first].end) - 1];
    label = fused(tree.subspan(top, end - top));
    binarise(node, subtrees, tuple.heights);
    end = top;
  }
  return tuple;
}

std::vector<Constituent> constituents(std::span<const double> heights,
                                      std::span<const std::string> labels,
                                      std::span<const std::string> unary) {
  if (labels.size() != heights.size() || heights.size() != std::max<size_t>(unary.size(), 1) - 1) {
    fail(ExitCode::kBug, "{} heights and {} labels between {} leaves", heights.size(),
         labels.size(), unary.size());
  }
  std::vector<BinaryNode> nodes = split_by_height(heights, labels);
  for (size_t i = 0; i < unary.size(); ++i) {
    const auto leaf = static_cast<int32_t>(i);
    nodes.push_back({leaf, leaf + 1, unary[i]});
  }
  std::erase_if(nodes, [](const BinaryNode& node) { return node.label.empty(); });
  std::sort(nodes.begin(), nodes.end(), [](const BinaryNode& a, const BinaryNode& b) {
    return a.first != b.first ? a.first < b.first : a.end > b.end;  // preorder
  });
  std::vector<Constituent> tree;
  for (const BinaryNode& node : nodes)
    append_unfused(node, tree);
  return tree;
}

Agreement agreement(std::vector<Constituent> answer, std::vector<Constituent> predicted) {
  std::sort(answer.begin(), answer.end());
  std::sort(predicted.begin(), predicted.end());
  std::vector<Constituent> both;
  std::set_intersection(answer.begin(), answer.end(), predicted.begin(), predicted.end(),
                        std::back_inserter(both));
  // F1 = 2PR / (P + R) with P = both / predicted, R = both / answer.
  return {share(both.size(), predicted.size()), share(both.size(), answer.size()),
          share(2 * both.size(), predicted.size() + answer.size())};
}

}  // namespace ssmi::code
