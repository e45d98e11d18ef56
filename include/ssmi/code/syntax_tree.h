#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssmi/code/language.h"

namespace ssmi::code {

/// One node of a syntax tree. Nodes lie in preorder, so the subtree of node n is [n, nodes[n].end).
struct Node {
  uint32_t begin_byte;
  uint32_t end_byte;
  int32_t parent;  ///< -1 for the root
  int32_t end;     ///< one past the last node of the subtree
  int32_t depth;   ///< 0 for the root
  uint16_t symbol;
  uint16_t field;  ///< under which the parent holds it; 0 for none
};

/// A place in a text: line and column, counted from 1, the column in bytes.
struct Position {
  int64_t line;
  int64_t column;
};

/// Where the lines of a text begin.
class LineIndex {
 public:
  explicit LineIndex(std::string_view text);
  Position at(int64_t byte) const;

 private:
  std::vector<int64_t> starts_;
};

/// The concrete syntax tree of a source text, flattened so that no walk over it needs recursion.
class SyntaxTree {
 public:
  static constexpr size_t kMaxBytes = size_t{8} << 20;

  /// A source that does not parse by itself is tried inside each of the language's wrappers (a bare
  /// method in a class); the nodes of what is around it are no part of the tree. Throws
  /// Error{kBadInput} when the source is larger than kMaxBytes or cannot be parsed in a minute. A
  /// syntax error does not throw: see `error()`.
  explicit SyntaxTree(std::string source, const Language& language = Language::python());

  const std::string& source() const { return source_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const Language& language() const { return language_; }
  std::string_view type(int32_t node) const { return language_.type(at(node).symbol); }
  bool is(int32_t node, Role role) const { return language_.is(at(node).symbol, role); }
  std::string_view text(int64_t begin, int64_t end) const;
  bool has_error() const { return error_.has_value(); }
  /// Where the first node that does not parse, or is missing, stands.
  const std::optional<Position>& error() const { return error_; }
  /// Throws Error{kBadInput} "<where>:<line>:<column>: ..." when there is a syntax error.
  void require_valid(const std::string& where) const;

  bool is_childless(int32_t node) const { return at(node).end == node + 1; }
  std::vector<int32_t> children(int32_t node) const;
  /// The first child under that field; -1 for none.
  int32_t child(int32_t node, std::string_view field) const;

 private:
  bool parse_as_fragment();
  const Node& at(int32_t node) const { return nodes_[static_cast<size_t>(node)]; }
  std::string source_;
  const Language& language_;
  std::vector<Node> nodes_;
  std::optional<Position> error_;
};

}  // namespace ssmi::code
