#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ssmi/code/syntax_tree.h"

namespace ssmi::code {

/// One token of a program: bytes [begin, end) of the source, and the grammar's name of its kind.
struct Leaf {
  int64_t begin;
  int64_t end;
  std::string_view type;
  int32_t node;   ///< in SyntaxTree::nodes()
  int32_t depth;  ///< edges to the root; a string stands one lower, at its opening quote
};

/// The tokens of a program in source order. A leaf is a node without children, or a whole string
/// (f-strings included). Comments, docstrings, `;` and line continuations are no leaves. A
/// docstring is a statement that is nothing but a string (or adjacent strings), neither bytes nor
/// formatted, and the first of a module, class or function.
class Leaves {
 public:
  explicit Leaves(const SyntaxTree& tree);

  int32_t size() const { return static_cast<int32_t>(leaves_.size()); }
  const Leaf& operator[](int32_t index) const { return leaves_[static_cast<size_t>(index)]; }
  const std::vector<Leaf>& all() const { return leaves_; }

  /// The leaves below (or at) a node are [first(node), last(node)).
  int32_t first(int32_t node) const { return before_[static_cast<size_t>(node)]; }
  int32_t last(int32_t node) const { return last_[static_cast<size_t>(node)]; }
  /// Whether the node itself is a leaf, then `first(node)`.
  bool is_leaf(int32_t node) const;
  /// Whether no leaf comes from the node: a comment, docstring, `;` or line continuation.
  bool is_left_out(int32_t node) const { return left_out_[static_cast<size_t>(node)]; }

 private:
  std::vector<Leaf> leaves_;
  std::vector<int32_t> before_;  // by node: leaves that start before it in preorder
  std::vector<int32_t> last_;
  std::vector<bool> left_out_;
};

/// Whether a leaf is a variable occurrence in the sense of GraphCodeBERT's data flow: its text is
/// not its type. Names and literals are, keywords and punctuation are not.
bool is_variable(const SyntaxTree& tree, const Leaf& leaf);

}  // namespace ssmi::code
