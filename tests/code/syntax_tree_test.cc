#include "ssmi/code/syntax_tree.h"

#include "ssmi/code/relations.h"
#include "support.h"

namespace ssmi::code {
namespace {

using ssmi::test::check_fails;

TEST_CASE("syntax tree: nodes lie in preorder and nest") {
  const SyntaxTree tree("def f(a):\n    return a\n");
  REQUIRE_FALSE(tree.has_error());
  CHECK(tree.type(0) == "module");
  const std::vector<Node>& nodes = tree.nodes();
  CHECK(nodes[0].end == static_cast<int32_t>(nodes.size()));
  for (size_t n = 1; n < nodes.size(); ++n) {
    const Node& parent = nodes[static_cast<size_t>(nodes[n].parent)];
    CHECK(nodes[n].depth == parent.depth + 1);
    CHECK(nodes[n].parent < static_cast<int32_t>(n));
    CHECK(nodes[n].end <= parent.end);
    CHECK(nodes[n].begin_byte >= parent.begin_byte);
    CHECK(nodes[n].end_byte <= parent.end_byte);
  }
  const int32_t function = tree.children(0).at(0);
  CHECK(tree.type(function) == "function_definition");
  const int32_t name = tree.child(function, "name");
  CHECK(tree.type(name) == "identifier");
  CHECK(nodes[static_cast<size_t>(name)].begin_byte == 4);
  CHECK(tree.child(function, "no_such_field") == -1);
  CHECK(tree.child(function, "return_type") == -1);
}

TEST_CASE("syntax tree: the first error is located") {
  const SyntaxTree tree("x = 1\ny = (2\n");
  REQUIRE(tree.has_error());
  CHECK(tree.error()->line == 2);
  CHECK(tree.error()->column == 1);
  check_fails(ExitCode::kBadInput, "f.py:2:1: does not parse as Python",
              [&] { tree.require_valid("f.py"); });
  CHECK_NOTHROW(SyntaxTree("x = 1").require_valid("f.py"));
  CHECK_FALSE(SyntaxTree("").has_error());
  for (const std::string text : {"def f(:\n  pass\n", ")", "x = = 1", "class", "for", "y = (2\n"}) {
    CAPTURE(text);
    const SyntaxTree broken(text);
    CHECK(broken.has_error());
    const Leaves leaves(broken);  // whatever they are, nothing falls over
    for (const Relation relation : kRelations)
      CHECK_NOTHROW(edges(broken, leaves, relation));
  }
}

TEST_CASE("syntax tree: positions count lines and bytes from 1") {
  const std::string text =
      "a\n\xc3\xa4"
      "b\n";
  const LineIndex lines(text);
  CHECK(lines.at(4).line == 2);
  CHECK(lines.at(4).column == 3);
  CHECK(lines.at(0).line == 1);
  CHECK(lines.at(0).column == 1);
  CHECK(lines.at(1).line == 1);  // the line feed ends its own line
  CHECK(lines.at(6).line == 3);
}

TEST_CASE("syntax tree: any bytes are taken, too many are not") {
  CHECK(SyntaxTree(std::string("x\0y", 3)).has_error());
  CHECK(SyntaxTree("x = \xff\xfe\n").has_error());
  CHECK_FALSE(SyntaxTree("x = '\xff'\n").has_error());
  check_fails(ExitCode::kBadInput, "expected at most",
              [] { SyntaxTree(std::string(SyntaxTree::kMaxBytes + 1, 'x')); });
}

TEST_CASE("syntax tree: depth is bounded by memory alone") {
  const SyntaxTree open(std::string(1'000'000, '('));
  CHECK(open.has_error());
  std::string nested = "x = ";
  constexpr int kDepth = 100'000;
  for (int i = 0; i < kDepth; ++i)
    nested += "(";
  nested += "y";
  for (int i = 0; i < kDepth; ++i)
    nested += ")";
  const SyntaxTree tree(nested);
  CHECK_FALSE(tree.has_error());
  const Leaves leaves(tree);
  CHECK(leaves.size() == 2 * kDepth + 3);
  CHECK(edges(tree, leaves, Relation::kDataFlow).size() == 1);
}

TEST_CASE("language: a grammar of a foreign ABI is refused") {
  CHECK(Language::python().name() == "Python");
  CHECK_FALSE(Language::python().version().empty());
  CHECK_NOTHROW(check_abi("Java", 14));
  check_fails(ExitCode::kMismatch, "the Java grammar has ABI 99, the tree-sitter runtime loads",
              [] { check_abi("Java", 99); });
  check_fails(ExitCode::kMismatch, "ABI 12", [] { check_abi("Java", 12); });
}

}  // namespace
}  // namespace ssmi::code
