#include "ssmi/code/bindings.h"

#include "support.h"

namespace ssmi::code {
namespace {

/// The names with the line each stands in: "f1 x1 y2".
std::string bound(const std::string& source) {
  const SyntaxTree tree(source);
  const LineIndex lines(source);
  std::string out;
  for (const int32_t n : bindings(tree)) {
    const Node& node = tree.nodes()[static_cast<size_t>(n)];
    out += fmt::format("{}{} ", tree.text(node.begin_byte, node.end_byte),
                       lines.at(node.begin_byte).line);
  }
  return out;
}

TEST_CASE("bindings: parameters of every kind") {
  CHECK(bound("def f(a, b=c, *d, e: t, g: t = h, **i): pass") == "f1 a1 b1 d1 e1 g1 i1 ");
  CHECK(bound("lambda x, *y: z") == "x1 y1 ");
}

TEST_CASE("bindings: targets, but no attributes, items, keywords or uses") {
  CHECK(bound("a, (b, *c) = d\ne.f = g[h] = i\nj += k(l=m)\nn: t = 1\nfor [o, p] in q: pass") ==
        "a1 b1 c1 j3 n4 o5 p5 ");
  CHECK(bound("with a as b, c: pass\ntry: pass\nexcept d as e: pass\n[f for f in g if (h := f)]") ==
        "b1 e3 f4 h4 ");
  CHECK(bound("import a.b as c\nclass d(e): pass\nglobal g") == "d2 ");
}

TEST_CASE("bindings: the first function's name") {
  const SyntaxTree tree("@a\nasync def f():\n    def g(): pass\n"), none("x = 1");
  const Node& name = tree.nodes()[static_cast<size_t>(first_function_name(tree))];
  CHECK(tree.text(name.begin_byte, name.end_byte) == "f");
  CHECK(first_function_name(none) == -1);
}

}  // namespace
}  // namespace ssmi::code
