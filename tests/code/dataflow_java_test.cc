// Edges derived by hand from the rules in docs/parse.md. "x2<-x" says that the second leaf `x`
// comes from the first, "x<=y" that it is computed from `y`.

#include "flow.h"
#include "support.h"

namespace ssmi::code {
namespace {

using test::Texts;

Texts flow(const std::string& source) {
  return test::flow(source, Language::named("java"));
}

TEST_CASE("dataflow java: uses, declarations and assignments") {
  CHECK(flow("f(x); f(x);") == Texts{"f2<-f", "x2<-x"});
  CHECK(flow("int x = y; g(x); x = z; g(x);") ==
        Texts{"x<-y", "x2<-x", "x3<=z", "x4<-x3", "g2<-g"});
  CHECK(flow("int a = 1, b = a; int c; c = b;") ==
        Texts{"a<-1", "a2<-a", "b<-a2", "b2<-b", "c2<=b2"});
  CHECK(flow("a = b = c;") == Texts{"b<=c", "a<=b", "a<=c"});
  CHECK(flow("int[] a = {x, y};") == Texts{"a<-x", "a<-y"});
  CHECK(flow("String s = \"a\"; s = s + \"b\";") ==
        Texts{"s<-\"a\"", "s3<-s", "s2<=s3", "s2<=\"b\""});
}

TEST_CASE("dataflow java: augmented assignments and updates read before they set") {
  CHECK(flow("int x = 1; x += y; x++; --x; g(x);") ==
        Texts{"x<-1", "x2<-x", "x2<=y", "x3<-x2", "x4<-x3", "x5<-x4"});
  CHECK(flow("n <<= k; n++;") == Texts{"n<=k", "n2<-n"});
}

TEST_CASE("dataflow java: an array is set as a whole, its index is read") {
  CHECK(flow("a[i] = y; g(a, i);") == Texts{"a<=y", "a2<-a", "i2<-i"});
  CHECK(flow("int i = 0; a[i][i + 1] += y;") == Texts{"i<-0", "i2<-i", "i3<-i", "a<=y"});
}

TEST_CASE("dataflow java: of a field the name is set, the object read") {
  CHECK(flow("this.x = x; g(this.x);") == Texts{"x<=x2", "x3<-x"});
  CHECK(flow("o.f = y; g(o.f); g(o);") == Texts{"f<=y", "o2<-o", "f2<-f", "g2<-g", "o3<-o"});
  CHECK(flow("a.b.c = y; g(a.b.c);") == Texts{"c<=y", "a2<-a", "b2<-b", "c2<-c"});
  CHECK(flow("get(k).n++; g(n);") == Texts{"n2<-n"});
  CHECK(flow("class P { int x; P(int x) { this.x = x; } int get() { return x; } }") ==
        Texts{"x4<-x2", "x3<=x4", "x5<-x3"});
}

TEST_CASE("dataflow java: parameters start anew") {
  CHECK(flow("int f(int a, String... b) { return a + b.length; }") == Texts{"a2<-a", "b2<-b"});
  CHECK(flow("x = 1; int f(int x) { return x; }") == Texts{"x<=1", "x3<-x2"});
  CHECK(flow("int f(int n) { return f(n - 1); }") == Texts{"n2<-n", "f2<-f"});
  CHECK(flow("int f(int a[]) { a = b; return a; }") == Texts{"a2<=b", "a3<-a2"});
}

TEST_CASE("dataflow java: lambdas bind their parameters and make no value") {
  CHECK(flow("f(x -> x + 1); f((a, b) -> a + b); f((int c) -> c);") ==
        Texts{"x2<-x", "f2<-f", "f3<-f", "a2<-a", "b2<-b", "c2<-c"});
  CHECK(flow("Runnable r = () -> g(x); r.run();") == Texts{"r2<-r"});
  CHECK(flow("I i = new I(y) { int m() { return z; } };") == Texts{"i<-y"});
}

TEST_CASE("dataflow java: types are no variables") {
  CHECK(flow("Foo x = new Foo(y); Foo z = (Foo) x;") == Texts{"x<-y", "x2<-x", "z<-x2"});
  CHECK(flow("List<String> l = new ArrayList<String>(); l.add(l);") == Texts{"l2<-l", "l3<-l"});
  CHECK(flow("boolean b = (boolean) c; int n = (int) 1.5;") == Texts{"b<-c", "n<-1.5"});
}

TEST_CASE("dataflow java: an if unites its branches with the state before") {
  CHECK(flow("int x = 1; if (c) x = 2; g(x);") == Texts{"x<-1", "x2<=2", "x3<-x", "x3<-x2"});
  CHECK(flow("int x = 1; if (c) { x = 2; } else { x = 3; } g(x);") ==
        Texts{"x<-1", "x2<=2", "x3<=3", "x4<-x2", "x4<-x3"});
  CHECK(flow("int x = 1; if (x > 0) x = 2; else if (x < 0) x = 3; g(x);") ==
        Texts{"x<-1", "x2<-x", "x3<=2", "x4<-x", "x5<=3", "x6<-x", "x6<-x3", "x6<-x5"});
  CHECK(flow("int x = 1; if ((x = f()) > 0) { g(x); } h(x);") ==
        Texts{"x<-1", "x2<=f", "x3<-x2", "x4<-x2"});
}

TEST_CASE("dataflow java: conditional expressions are branches") {
  CHECK(flow("int y = c ? a : b;") == Texts{"y<-c", "y<-a", "y<-b"});
  CHECK(flow("f(c ? (x = 1) : (x = 2)); g(x);") == Texts{"x<=1", "x2<=2", "x3<-x", "x3<-x2"});
  CHECK(flow("int x = 1; f(p && (x = q)); g(x);") == Texts{"x<-1", "x2<=q", "x3<-x", "x3<-x2"});
}

TEST_CASE("dataflow java: a for looks at its condition, then perhaps at its rounds") {
  CHECK(flow("for (int i = 0; i < n; i++) { s += i; } g(s, i);") ==
        Texts{"i<-0", "i2<-i", "i2<-i3", "n<-n", "i4<-i", "i4<-i3", "s<=i4", "s<-s", "i3<-i",
              "i3<-i3", "s2<-s", "i5<-i", "i5<-i3"});
  CHECK(flow("for (;;) { g(x); x = y; }") == Texts{"g<-g", "x<-x2", "x2<=y", "y<-y"});
}

TEST_CASE("dataflow java: the variable of a for-each is computed from what it runs over") {
  CHECK(flow("for (String s : list) { g(s); } g(s);") ==
        Texts{"s<=list", "s2<-s", "g<-g", "g2<-g", "s3<-s"});
  CHECK(flow("int x = 0; for (int i : a) x = i; g(x);") ==
        Texts{"x<-0", "i<=a", "i2<-i", "x2<=i2", "x3<-x", "x3<-x2"});
}

TEST_CASE("dataflow java: while may run no round, do runs one") {
  CHECK(flow("while (c) { x = y; y = x; } g(x);") ==
        Texts{"x<=y", "x2<-x", "y2<=x2", "y<-y2", "c<-c", "x3<-x"});
  CHECK(flow("int x = 1; while (c) { x = 2; } g(x);") ==
        Texts{"x<-1", "x2<=2", "c<-c", "x3<-x", "x3<-x2"});
  CHECK(flow("int x = 1; do { x = 2; } while (c); g(x);") ==
        Texts{"x<-1", "x2<=2", "c<-c", "x3<-x2"});
  CHECK(flow("while ((l = r()) > 0) { g(l); } h(l);") ==
        Texts{"l<=r", "r<-r", "l2<-l", "g<-g", "l3<-l"});
}

TEST_CASE("dataflow java: the groups of a switch are branches") {
  CHECK(flow("int x = 0; switch (k) { case 1: x = 2; break; case 4: x = 3; break; } g(x);") ==
        Texts{"x<-0", "x2<=2", "x3<=3", "x4<-x", "x4<-x2", "x4<-x3"});
  CHECK(flow("int x = 0; switch (k) { case 1: x = 2; break; default: x = 3; } g(x);") ==
        Texts{"x<-0", "x2<=2", "x3<=3", "x4<-x2", "x4<-x3"});
  CHECK(flow("int x = 0; switch (k) { case 1 -> x = 2; default -> { x = 3; } } g(x);") ==
        Texts{"x<-0", "x2<=2", "x3<=3", "x4<-x2", "x4<-x3"});
}

TEST_CASE("dataflow java: a group without a jump may have run before the next") {
  CHECK(flow("int x = 0; switch (k) { case 1: x = 2; case 3: y = x; break; default: } g(x);") ==
        Texts{"x<-0", "x2<=2", "x3<-x", "x3<-x2", "y<=x3", "x4<-x", "x4<-x2"});
  CHECK(flow("int x = 0; switch (k) { case 1: { x = 2; return; } case 3: y = x; }") ==
        Texts{"x<-0", "x2<=2", "x3<-x", "y<=x3"});
}

TEST_CASE("dataflow java: a try may end anywhere") {
  CHECK(flow("int x = 1; try { x = f(); } catch (E e) { g(x, e); } finally { h(x); }") ==
        Texts{"x<-1", "x2<=f", "x3<-x", "x3<-x2", "e2<-e", "x4<-x", "x4<-x2"});
  CHECK(flow("int x = 1; try { x = 2; } finally { h(x); }") == Texts{"x<-1", "x2<=2", "x3<-x2"});
  CHECK(flow("try (R r = open(p)) { g(r); }") == Texts{"r<-open", "r<-p", "r2<-r"});
  CHECK(flow("r = s; try (r) { g(r); } catch (A | B e) { }") == Texts{"r<=s", "r2<-r", "r3<-r"});
}

TEST_CASE("dataflow java: patterns, labels, annotations, imports") {
  CHECK(flow("if (o instanceof Foo f) { g(f); }") == Texts{"f<-o", "f2<-f"});
  CHECK(flow("if (o instanceof P(Q(int x), var y)) { g(P, x, y); }") ==
        Texts{"x<-o", "y<-o", "x2<-x", "y2<-y"});
  CHECK(flow("switch (o) { case P(int x): g(x); break; case Q q when q > 0: g(q); }") ==
        Texts{"x<-o", "x2<-x", "q<-o", "q2<-q", "q3<-q"});
  CHECK(flow("int y = switch (o) { case R r -> r; default -> 0; };") ==
        Texts{"r<-o", "r2<-r", "y<-o", "y<-r", "y<-r2", "y<-0"});
  CHECK(flow("out: for (;;) { if (out) break out; }") == Texts{"out2<-out2"});
  CHECK(flow("@A(x) int f() { return x; }").empty());
  CHECK(flow("import a.b; int f(int c) { return b + c; }") == Texts{"c2<-c"});
  CHECK(flow("/* x */ int x = 1; // x\ng(x);") == Texts{"x<-1", "x2<-x"});
}

TEST_CASE("dataflow java: bare constructors have the flow of whole ones") {
  CHECK(flow("Point(int x) { this.x = x; }") == Texts{"x3<-x", "x2<=x3"});
}

}  // namespace
}  // namespace ssmi::code
