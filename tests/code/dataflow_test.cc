// Edges derived by hand from the rules in docs/parse.md. "x2<-x" says that the second leaf `x`
// comes from the first, "x<=y" that it is computed from `y`.

#include "ssmi/code/dataflow.h"

#include "flow.h"
#include "support.h"

namespace ssmi::code {
namespace {

using test::Program;
using test::Texts;

Texts flow(const std::string& source) {
  return test::flow(source, Language::python());
}

TEST_CASE("dataflow: a use comes from the first occurrence or the last assignment") {
  CHECK(flow("print(x)\nprint(x)\n") == Texts{"print2<-print", "x2<-x"});
  CHECK(flow("x = y\nf(x)\nf(x)\nx = z\nx\n") ==
        Texts{"x<=y", "x2<-x", "x3<-x", "f2<-f", "x4<=z", "x5<-x4"});
}

TEST_CASE("dataflow: literals are sources, and known once they were on a left side") {
  CHECK(flow("y = 1\nz = 1\n") == Texts{"y<=1", "z<=12"});
  CHECK(flow("a[0] = y\nb[0]\n") == Texts{"a<=y", "0<=y", "02<-0"});
  CHECK(flow("y = None\n") == Texts{"y<=None"});
  CHECK(flow("identifier = y\nidentifier\n").empty());  // a text equal to its type is no variable
}

TEST_CASE("dataflow: augmented and annotated assignments") {
  CHECK(flow("x = 1\nx += y\n") == Texts{"x<=1", "x2<=y"});
  CHECK(flow("x: int = y\nint\n") == Texts{"x<=y"});  // the annotation is not visited
  CHECK(flow("x: int\nx\nx\n") == Texts{"x3<-x2"});   // nor is an assignment without a value
}

TEST_CASE("dataflow: sides with equally many children are paired by position") {
  CHECK(flow("a, b = c, d\n") == Texts{"a<=c", "b<=d"});
  CHECK(flow("a, b = f(x)\n") == Texts{"a<=f", "b<=x"});
  CHECK(flow("self.x = other.y\n") == Texts{"self<=other", "x<=y"});
  CHECK(flow("self.a = b + c\n") == Texts{"self<=b", "a<=c"});
  CHECK(flow("a = b + c\n") == Texts{"a<=b", "a<=c"});
  CHECK(flow("a, b = c, d, e\n") == Texts{"a<=c", "a<=d", "a<=e", "b<=c", "b<=d", "b<=e"});
  CHECK(flow("a, b = (  # why\n    c, d)\n") ==  // ( c , d ) has four parts
        Texts{"a<=c", "a<=d", "b<=c", "b<=d"});
  CHECK(flow("a, b = \\\n    c, d\n") == Texts{"a<=c", "b<=d"});
}

TEST_CASE("dataflow: chained assignments pair with the inner left side") {
  CHECK(flow("self.a = self.b = None\n") == Texts{"self<=self2", "self<=b", "a<=None"});
}

TEST_CASE("dataflow: a string is one token when sides are paired") {
  CHECK(flow("self.name = 'text'\n") == Texts{"self<='text'", "name<='text'"});
  CHECK(flow("self.name = ''\n") == Texts{"self<=''", "name<=''"});
  CHECK(flow("a.b = f'{x}'\nx\nx\n") == Texts{"a<=f'{x}'", "b<=f'{x}'", "x2<-x"});
  CHECK(flow("d['k'] = v\ne['k']\n") == Texts{"d<=v", "'k'<=v", "'k'2<-'k'"});
}

TEST_CASE("dataflow: default parameters come from their value, annotated ones do not") {
  CHECK(flow("def f(a=b): return a\n") == Texts{"a<-b", "a2<-a"});
  CHECK(flow("def f(a, b=a): pass\n") == Texts{"a2<-a", "b<-a2"});
  CHECK(flow("def f(a: int = b): return a\n") == Texts{"a2<-a"});
}

TEST_CASE("dataflow: an if unites its branches with the state before") {
  CHECK(flow("x = 1\nif c:\n  x = 2\nx\n") == Texts{"x<=1", "x2<=2", "x3<-x", "x3<-x2"});
  CHECK(flow("x = 1\nif c:\n  x = 2\nelse:\n  x = 3\nx\n") ==
        Texts{"x<=1", "x2<=2", "x3<=3", "x4<-x2", "x4<-x3"});
  CHECK(flow("x = 1\nif x:\n  x = 2\nelif x:\n  x = 3\nx\n") ==
        Texts{"x<=1", "x2<-x", "x3<=2", "x4<-x", "x5<=3", "x6<-x", "x6<-x3", "x6<-x5"});
  CHECK(flow("if c:\n  x = 2\nelif d:\n  pass\nelse:\n  c\nx\n") ==
        Texts{"x<=2", "x2<-x"});  // `c` is not known yet where the else begins
  CHECK(flow("x = 1\nif a:\n  if b:\n    x = 2\n  x\nelse:\n  x = 3\nx\n") ==
        Texts{"x<=1", "x2<=2", "x3<-x", "x3<-x2", "x4<=3", "x5<-x", "x5<-x2", "x5<-x4"});
  CHECK(flow("y if c else y\n") == Texts{"y2<-y"});  // an expression has no branches
}

TEST_CASE("dataflow: loops are visited twice") {
  CHECK(flow("for i in s:\n  x\n  x = i\n") == Texts{"i<=s", "s<-s", "x<-x2", "x2<=i2", "i2<-i"});
  CHECK(flow("while c:\n  x\n  x = c\n") == Texts{"c<-c", "c2<-c", "x<-x2", "x2<=c2"});
  // an unknown name finds its own index in the second round
  CHECK(flow("while a: b\n") == Texts{"a<-a", "b<-b"});
}

TEST_CASE("dataflow: for targets are paired like assignments") {
  CHECK(flow("for a, b in zip(x, y): pass\n") ==
        Texts{"a<=zip", "b<=x", "b<=y", "zip<-zip", "x<-x", "y<-y"});
  CHECK(flow("for k, v in d.items(): v\n") ==
        Texts{"k<=d", "k<=items", "d<-d", "items<-items", "v2<-v"});
}

TEST_CASE("dataflow: neither body nor else of a for with an else is visited") {
  CHECK(flow("for i in s:\n  x = i\nelse:\n  y = i\nx\nx\n") == Texts{"i<=s", "s<-s", "x3<-x2"});
  CHECK(flow("for i in s:\n  x = i\n  # end\n# comment\nx\n") ==
        Texts{"i<=s", "s<-s", "i2<-i", "x<=i2", "x2<-x"});
}

TEST_CASE("dataflow: comprehensions visit their for first") {
  CHECK(flow("[x for x in s if x]\n") == Texts{"x2<=s", "x<-x2", "x3<-x2"});
  CHECK(flow("{k: v for k, v in d.items()}\n") ==
        Texts{"k2<=d", "k2<=items", "v2<=d", "v2<=items", "k<-k2", "v<-v2"});
}

TEST_CASE("dataflow: with, walrus, lambda and nested functions have no rule of their own") {
  CHECK(flow("with open(p) as g:\n  g\n") == Texts{"g2<-g"});
  CHECK(flow("(n := f(x))\nn\n") == Texts{"n2<-n"});
  CHECK(flow("def f(a):\n  def g(b): return a\n  return g\n") == Texts{"a2<-a", "g2<-g"});
}

TEST_CASE("dataflow: comments and docstrings take no part") {
  CHECK(flow("def f(a):\n  'a'\n  # a\n  return 'a', a\n") == Texts{"a2<-a"});
  CHECK(flow("d['a'] = 1\ndef f():\n  'a'\n  'a'\n") ==
        Texts{"d<=1", "'a'<=1", "'a'2<-'a'"});  // the second string is no docstring
}

TEST_CASE("dataflow: deep nesting neither recurses nor doubles the work a level") {
  std::string loops;
  for (int i = 0; i < 60; ++i)
    loops += std::string(static_cast<size_t>(i), ' ') + "while a:\n";
  loops += std::string(60, ' ') + "b = a\n";
  const Texts edges = flow(loops);
  CHECK(edges.size() == 62);  // each `a` from the first one, `b` from the last
  CHECK(edges.contains("a<-a"));
  std::string sum = "x = a";
  for (int i = 0; i < 100'000; ++i)
    sum += " + a";
  const Program program(sum);
  CHECK(data_flow(program.tree, program.leaves).size() == 200'001);
}

TEST_CASE("dataflow: what would fill memory is refused") {
  std::string wide = "f(";
  for (int i = 0; i < 4000; ++i)
    wide += "a,";
  const Program program(wide + ") [" + wide + ")] = g(" + wide + "))");
  ssmi::test::check_fails(ExitCode::kBadInput, "dfg edges",
                          [&] { data_flow(program.tree, program.leaves); });
}

}  // namespace
}  // namespace ssmi::code
