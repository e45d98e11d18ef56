#include "ssmi/code/leaves.h"

#include "program.h"
#include "support.h"

namespace ssmi::code {
namespace {

using test::Program;
using Texts = std::vector<std::string>;

Texts texts(const std::string& source) {
  const Program program(source);
  Texts all;
  for (int32_t i = 0; i < program.leaves.size(); ++i)
    all.push_back(program.text(i));
  return all;
}

TEST_CASE("leaves: a string is one, with prefix, quotes and interpolations") {
  CHECK(texts("x = f'a{b}c'") == Texts{"x", "=", "f'a{b}c'"});
  CHECK(texts("x = 'a' \"b\"") == Texts{"x", "=", "'a'", "\"b\""});
  CHECK(texts("x = rb'''a\nb'''") == Texts{"x", "=", "rb'''a\nb'''"});
  CHECK(Program("x = ''").leaves[2].type == "string");
}

TEST_CASE("leaves: comments, semicolons and line continuations are none") {
  CHECK(texts("# a\nx; y  # b\n") == Texts{"x", "y"});
  CHECK(texts("x = \\\n  y") == Texts{"x", "=", "y"});
  CHECK(texts("").empty());
  CHECK(texts("# a\n").empty());
  CHECK(texts("class A:\n  # only this\n\nx\n") == Texts{"class", "A", ":", "x"});
}

TEST_CASE("leaves: a docstring is a plain string alone at the start of a body") {
  CHECK(texts("'doc'\nx") == Texts{"x"});
  CHECK(texts("# c\n'doc'\nx") == Texts{"x"});
  CHECK(texts("x\n'no'") == Texts{"x", "'no'"});
  CHECK(texts("def f():\n  'doc'\n  'no'") == Texts{"def", "f", "(", ")", ":", "'no'"});
  CHECK(texts("def f():\n  # c\n  r'''doc'''") == Texts{"def", "f", "(", ")", ":"});
  CHECK(texts("class A:\n  'a' 'b'\n  x") == Texts{"class", "A", ":", "x"});
  CHECK(texts("class A:\n  b'no'") == Texts{"class", "A", ":", "b'no'"});
  CHECK(texts("class A:\n  f'no'") == Texts{"class", "A", ":", "f'no'"});
  CHECK(texts("if x:\n  'no'") == Texts{"if", "x", ":", "'no'"});
  CHECK(texts("'no'.join(x)") == Texts{"'no'", ".", "join", "(", "x", ")"});
  CHECK(texts("'no', x") == Texts{"'no'", ",", "x"});
}

TEST_CASE("leaves: nodes know the leaves below them") {
  const Program program("x = f('a') # c\ny\n");  // x = f ( 'a' ) y
  CHECK(program.leaves.first(0) == 0);
  CHECK(program.leaves.last(0) == 7);
  const auto count = static_cast<int32_t>(program.tree.nodes().size());
  for (int32_t n = 0; n < count; ++n) {
    for (int32_t i = 0; i < program.leaves.size(); ++i) {
      const int32_t node = program.leaves[i].node;
      const bool below = node >= n && node < program.tree.nodes()[static_cast<size_t>(n)].end;
      CHECK(below == (i >= program.leaves.first(n) && i < program.leaves.last(n)));
      if (program.leaves.is_leaf(n) && program.leaves.first(n) == i) CHECK(node == n);
    }
    CHECK(program.leaves.is_left_out(n) == (program.tree.type(n) == "comment"));
  }
}

TEST_CASE("leaves: variables are what is not its own type") {
  const Program program("def f(a): return None, 1, 'x', True");
  Texts variables;
  for (int32_t i = 0; i < program.leaves.size(); ++i) {
    if (is_variable(program.tree, program.leaves[i])) variables.push_back(program.text(i));
  }
  CHECK(variables == Texts{"f", "a", "None", "1", "'x'", "True"});
}

}  // namespace
}  // namespace ssmi::code
