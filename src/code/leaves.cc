#include "ssmi/code/leaves.h"

namespace ssmi::code {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f";

bool is_plain_string(const SyntaxTree& tree, int32_t node) {
  if (tree.type(node) == "concatenated_string") {
    for (const int32_t part : tree.children(node)) {
      if (tree.type(part) == "string" && !is_plain_string(tree, part)) return false;
    }
    return true;
  }
  if (tree.type(node) != "string") return false;
  const Node& string = tree.nodes()[static_cast<size_t>(node)];
  const std::string_view text = tree.text(string.begin_byte, string.end_byte);
  return text.substr(0, text.find_first_of("'\"")).find_first_of("bBfFtT") == text.npos;
}

/// Whether the statement is a string alone and the first of the body that is `parent`.
bool is_docstring(const SyntaxTree& tree, int32_t statement, int32_t parent) {
  if (&tree.language() != &Language::python()) return false;
  if (tree.type(statement) != "expression_statement" || parent < 0) return false;
  const auto children = tree.children(statement);
  if (children.size() != 1 || !is_plain_string(tree, children[0])) return false;
  const std::vector<Node>& nodes = tree.nodes();
  for (int32_t n = parent + 1; n < statement; n = nodes[static_cast<size_t>(n)].end) {
    if (tree.type(n) != "comment") return false;
  }
  if (tree.type(parent) == "module") return true;
  const int32_t owner = nodes[static_cast<size_t>(parent)].parent;
  return tree.type(parent) == "block" && owner >= 0 &&
         (tree.type(owner) == "function_definition" || tree.type(owner) == "class_definition");
}

}  // namespace

Leaves::Leaves(const SyntaxTree& tree) {
  const std::vector<Node>& nodes = tree.nodes();
  before_.resize(nodes.size());
  last_.resize(nodes.size());
  left_out_.resize(nodes.size());
  const auto count = static_cast<int32_t>(nodes.size());
  for (int32_t n = 0; n < count;) {
    const Node& node = nodes[static_cast<size_t>(n)];
    const bool left_out = tree.is(n, Role::kLeftOut) || is_docstring(tree, n, node.parent);
    const bool whole = tree.is(n, Role::kString);
    before_[static_cast<size_t>(n)] = size();
    left_out_[static_cast<size_t>(n)] = left_out;
    // An empty body is a childless node, but no token.
    if (!left_out && (whole || tree.is_childless(n)) &&
        tree.text(node.begin_byte, node.end_byte).find_first_not_of(kSpace) != kSpace.npos) {
      leaves_.push_back(
          {node.begin_byte, node.end_byte, tree.type(n), n, node.depth + (whole ? 1 : 0)});
    }
    const int32_t next = left_out || whole ? node.end : n + 1;
    for (int32_t inside = n + 1; inside < next; ++inside) {
      before_[static_cast<size_t>(inside)] = size();
      left_out_[static_cast<size_t>(inside)] = left_out;
    }
    n = next;
  }
  for (int32_t n = 0; n < count; ++n) {
    const int32_t end = nodes[static_cast<size_t>(n)].end;
    last_[static_cast<size_t>(n)] = end < count ? before_[static_cast<size_t>(end)] : size();
  }
}

bool Leaves::is_leaf(int32_t node) const {
  const int32_t leaf = first(node);
  return leaf < size() && (*this)[leaf].node == node;
}

bool is_variable(const SyntaxTree& tree, const Leaf& leaf) {
  return tree.text(leaf.begin, leaf.end) != leaf.type;
}

}  // namespace ssmi::code
