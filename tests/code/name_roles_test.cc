#include "ssmi/code/name_roles.h"

#include <map>

#include "program.h"
#include "support.h"

namespace ssmi::code {
namespace {

using test::Program;

/// The identifiers with their roles, in order: "f:definition x:parameter"; "-" for none.
std::string roles(const std::string& source, const Language& language = Language::python()) {
  const Program program(source, language);
  CAPTURE(source);
  REQUIRE_FALSE(program.tree.has_error());
  const auto found = name_roles(program.tree, program.leaves);
  REQUIRE(found.size() == static_cast<size_t>(program.leaves.size()));
  std::string out;
  for (int32_t leaf = 0; leaf < program.leaves.size(); ++leaf) {
    const auto role = found[static_cast<size_t>(leaf)];
    const bool is_name = program.leaves[leaf].type.ends_with("identifier");
    if (!role && !is_name) continue;
    out += fmt::format("{}{}:{}", out.empty() ? "" : " ", program.text(leaf),
                       role ? name(*role) : "-");
  }
  return out;
}

TEST_CASE("name roles: Python's parameters, calls, attributes and uses") {
  CHECK(
      roles("def f(a, b=c, *d, e: t, **g):\n    return a.x.y + h(k=b.z(), *d)[e]\n") ==
      "f:definition a:parameter b:parameter c:use d:parameter e:parameter t:use g:parameter a:use "
      "x:attribute y:attribute h:call k:- b:use z:call d:use e:use");
  CHECK(roles("lambda x: x()") == "x:parameter x:call");
}

TEST_CASE("name roles: what Python binds") {
  CHECK(roles("a = b.c = d\ne, (f, *g) = h\ni[j] += k\nl += 1\n") ==
        "a:definition b:use c:attribute d:use e:definition f:definition g:definition h:use i:use "
        "j:use k:use l:definition");
  CHECK(roles("for a in b:\n    pass\nwith c() as d, e:\n    pass\n[f for f in g if (h := f)]\n") ==
        "a:definition b:use c:call d:definition e:use f:use f:definition g:use h:definition f:use");
  CHECK(roles("try:\n    pass\nexcept A as e:\n    raise\nclass B(C):\n    pass\n@p\ndef q(): "
              "pass\n") == "A:use e:definition B:definition C:use p:use q:definition");
  CHECK(roles("import a.b, c as d\nfrom e.f import g, h as i\nfrom . import j\nglobal k\n") ==
        "a:definition b:- c:- d:definition e:- f:- g:definition h:- i:definition j:definition k:-");
  CHECK(roles("match a:\n    case B(c, d=e) as f: pass\n    case [g, *h]: pass\n    case i.j: "
              "pass\n") ==
        "a:use B:use c:definition d:- e:definition f:definition g:definition h:definition i:use "
        "j:attribute");
}

TEST_CASE("name roles: Java") {
  CHECK(roles("int f(int a, String... b) { int c = a; this.d = c; g(b).h(); e.i[a]++; c += k.m;"
              " for (T x : xs) { } try { } catch (E y) { } F z = q -> q; return A::n; }",
              Language::named("java")) ==
        "f:definition a:parameter String:- b:parameter c:definition a:use d:attribute c:use g:call "
        "b:use h:call e:use i:attribute a:use c:definition k:use m:attribute T:- x:definition "
        "xs:use E:- y:definition F:- z:definition q:parameter q:use A:use n:attribute");
}

TEST_CASE("name roles: JavaScript") {
  CHECK(
      roles("function f(a, {b: c, d = e}, ...g) { const h = a.x, [i] = new J(); k.y = h; m.n(i);"
            " p[q] = {r: s, t}; for (const u of v) u++; (w) => w(); }",
            Language::named("javascript")) ==
      "f:definition a:parameter b:- c:parameter d:parameter e:use g:parameter h:definition a:use "
      "x:attribute i:definition J:call k:use y:attribute h:use m:use n:call i:use p:use q:use r:- "
      "s:use t:use u:definition v:use u:definition w:parameter w:call");
}

TEST_CASE("name roles: other languages are refused") {
  const Program program("func f() {}", Language::named("go"));
  CHECK_THROWS_WITH_AS(name_roles(program.tree, program.leaves), doctest::Contains("not for Go"),
                       Error);
  CHECK_THROWS_AS(definitions(program.tree, program.leaves), Error);
}

/// "x3<-x": the third leaf x takes its value from the first; "x3|x" where it does not.
std::string defined(const std::string& source, const Language& language = Language::python()) {
  const Program program(source, language);
  CAPTURE(source);
  REQUIRE_FALSE(program.tree.has_error());
  std::string out;
  for (const Edge& edge : definitions(program.tree, program.leaves)) {
    out += fmt::format("{}{}{}{}", out.empty() ? "" : " ", program.label(edge.from),
                       edge.label == kComesFrom ? "<-" : "|", program.label(edge.to));
  }
  return out;
}

TEST_CASE("definitions: a use comes from the binding that reaches it") {
  CHECK(defined("def f(x):\n    y = x\n    x = 1\n    return x\n") == "x2<-x x4|x x4<-x3");
  CHECK(defined("def f(x, c):\n    if c:\n        x = 1\n    return x\n") == "c2<-c x3<-x x3<-x2");
  CHECK(defined("def f(c):\n    if c:\n        x = 1\n        return x\n    else:\n"
                "        x = 2\n        return x\n") == "c2<-c x2<-x x4|x x4<-x3");
  CHECK(defined("def f(g):\n    g()\n    g = g + 1\n") == "g2<-g g4<-g g4|g3");
}

TEST_CASE("definitions: a loop's uses may come from below, which are no earlier places") {
  CHECK(defined("def f(n):\n    x = 0\n    while n:\n        print(x)\n        x = n\n") ==
        "n2<-n x2<-x n3<-n");
}

TEST_CASE("definitions: names that the data flow does not keep apart are left out") {
  const char* const kTwoScopes = "def f(x):\n    x = 1\n    g = [x for x in a]\n    return x\n";
  CHECK(defined(kTwoScopes) == "");
  CHECK(defined("def f(a):\n    g = [x for x in a]\n    return x\n") == "a2<-a");
  CHECK(defined("def f(p):\n    x = 1\n    with p as x:\n        return x\n") == "p2<-p");
  // The attribute's name is the parameter's: what follows comes from the attribute.
  CHECK(defined("def f(x, s):\n    s.x = 1\n    return x\n") == "");
  CHECK(defined("def f(x):\n    return y.x\n") == "");
}

TEST_CASE("definitions: no where Python's data flow leaves ways out") {
  // The loop may not run, the `try` may end at once.
  CHECK(defined("def f(a):\n    x = 0\n    for i in a:\n        x = i\n    return x\n") ==
        "a2<-a i2<-i x3<-x2");
  CHECK(defined("def f(a):\n    x = 0\n    try:\n        x = a()\n    finally:\n        pass\n"
                "    return x\n") == "a2<-a x3<-x2");
}

TEST_CASE("definitions: Java and JavaScript") {
  CHECK(defined("int f(int x) { int y = x; x = y; return x; }", Language::named("java")) ==
        "x2<-x y2<-y x4|x x4<-x3");
  CHECK(defined("function f(x) { g(x); x = 2; while (h) { x = 3; } return x; }",
                Language::named("javascript")) == "x2<-x x5|x x5<-x3 x5<-x4");
  CHECK(defined("int f(int g) { return g(); }", Language::named("java")) == "");
}

}  // namespace
}  // namespace ssmi::code
