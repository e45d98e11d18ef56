// Edges derived by hand from the rules in docs/parse.md. "x2<-x" says that the second leaf `x`
// comes from the first, "x<=y" that it is computed from `y`.

#include "flow.h"
#include "support.h"

namespace ssmi::code {
namespace {

using test::Texts;

Texts flow(const std::string& source) {
  return test::flow(source, Language::named("javascript"));
}

TEST_CASE("dataflow javascript: uses, declarations and assignments") {
  CHECK(flow("f(x); f(x);") == Texts{"f2<-f", "x2<-x"});
  CHECK(flow("let x = y; g(x); x = z; g(x);") ==
        Texts{"x<-y", "x2<-x", "x3<=z", "x4<-x3", "g2<-g"});
  CHECK(flow("var a = 1, b = a, c; c = b;") == Texts{"a<-1", "a2<-a", "b<-a2", "b2<-b", "c2<=b2"});
  CHECK(flow("const s = `a${b}`; g(s, b);") == Texts{"s<-`a${b}`", "s2<-s"});
}

TEST_CASE("dataflow javascript: augmented assignments and updates read before they set") {
  CHECK(flow("let x = 1; x += y; x++; x ?\?= z;") ==
        Texts{"x<-1", "x2<-x", "x2<=y", "x3<-x2", "x4<-x3", "x4<=z"});
  CHECK(flow("this.n++; g(this.n);") == Texts{"n2<-n"});
}

TEST_CASE("dataflow javascript: what an object is taken apart into comes from it") {
  CHECK(flow("const {a, b: c, d = e, ...r} = o; g(a, b, c, d, r);") ==
        Texts{"a<-o", "c<-o", "d<-e", "d<-o", "r<-o", "a2<-a", "c2<-c", "d2<-d", "r2<-r"});
  CHECK(flow("let k = 1; const {[k]: v} = o; g(v);") == Texts{"k<-1", "k2<-k", "v<-o", "v2<-v"});
  CHECK(flow("({a, b: o.c} = v); g(o.c);") == Texts{"a<=v", "c<=v", "o2<-o", "c2<-c"});
}

TEST_CASE("dataflow javascript: arrays are taken apart by position where both are written out") {
  CHECK(flow("const [a, [b], ...r] = o;") == Texts{"a<-o", "b<-o", "r<-o"});
  CHECK(flow("[a, b] = [b, a]; g(a, b);") == Texts{"a<=b2", "b<=a2", "a3<-a", "b3<-b"});
  CHECK(flow("[a, b] = f(c);") == Texts{"a<=f", "a<=c", "b<=f", "b<=c"});
  CHECK(flow("[a, , b] = [c, d, e];") == Texts{"a<=c", "a<=d", "a<=e", "b<=c", "b<=d", "b<=e"});
  CHECK(flow("[a, ...b] = [c, d];") == Texts{"a<=c", "a<=d", "b<=c", "b<=d"});
  CHECK(flow("[x[i], o.p] = v; g(i, o.p);") == Texts{"x<=v", "p<=v", "i2<-i", "o2<-o", "p2<-p"});
  CHECK(flow("[a = d, b] = [c, e];") == Texts{"a<-d", "a<=c", "b<=e"});
}

TEST_CASE("dataflow javascript: parameters start anew, their defaults are sources") {
  CHECK(flow("function f(a, b = a, {c, d: [e]}, ...r) { return a + b + c + e + r; }") ==
        Texts{"a2<-a", "b<-a2", "a3<-a", "b2<-b", "c2<-c", "e2<-e", "r2<-r"});
  CHECK(flow("x = 1; function f(x) { return x; }") == Texts{"x<=1", "x3<-x2"});
  CHECK(flow("function f({a = 1} = o) { return a; }") == Texts{"a<-1", "a<-o", "a2<-a"});
}

TEST_CASE("dataflow javascript: functions bind their parameters and make no value") {
  CHECK(flow("const f = x => x + 1; f(2);") == Texts{"x2<-x", "f2<-f"});
  CHECK(flow("const g = (a, {b}) => { return a + b; };") == Texts{"a2<-a", "b2<-b"});
  CHECK(flow("h = function (z) { return z; }; h();") == Texts{"z2<-z", "h2<-h"});
  CHECK(flow("function f(n) { return n ? f(n - 1) : 0; }") == Texts{"n2<-n", "n3<-n", "f2<-f"});
  CHECK(flow("async function f(u) { const r = await g(u); return r; }") ==
        Texts{"u2<-u", "r<-g", "r<-u2", "r2<-r"});
}

TEST_CASE("dataflow javascript: of a field the name is set, the object read") {
  CHECK(flow("class A { constructor(x) { this.x = x; } get() { return this.x; } }") ==
        Texts{"x3<-x", "x2<=x3", "x4<-x2"});
  CHECK(flow("o.f = y; g(o.f); g(o);") == Texts{"f<=y", "o2<-o", "f2<-f", "g2<-g", "o3<-o"});
  CHECK(flow("a[i].f = y; a[i] = z; g(a);") == Texts{"f<=y", "i2<-i", "a2<=z", "a3<-a2"});
  CHECK(flow("class A { n = x; m() { return this.n; } }") == Texts{"n<-x", "n2<-n"});
  CHECK(flow("g(o.a); let a = 1; g(o.a);") == Texts{"g2<-g", "o2<-o", "a2<-1", "a3<-a2"});
}

TEST_CASE("dataflow javascript: keys of an object are no uses and no sources") {
  CHECK(flow("const o = {a: x, [k]: y, z, m(q) { return q; }}; g(o.a);") ==
        Texts{"q2<-q", "o<-x", "o<-k", "o<-y", "o<-z", "o2<-o"});
  CHECK(flow("let a = 1; f({a: 2}); f({a});") == Texts{"a<-1", "f2<-f", "a3<-a"});
  CHECK(flow("f(...a); const b = [...a, c];") == Texts{"a2<-a", "b<-a2", "b<-c"});
}

TEST_CASE("dataflow javascript: an if unites its branches with the state before") {
  CHECK(flow("let x = 1; if (c) x = 2; g(x);") == Texts{"x<-1", "x2<=2", "x3<-x", "x3<-x2"});
  CHECK(flow("let x = 1; if (c) { x = 2; } else { x = 3; } g(x);") ==
        Texts{"x<-1", "x2<=2", "x3<=3", "x4<-x2", "x4<-x3"});
  CHECK(flow("let x = 1; if (x > 0) x = 2; else if (x < 0) x = 3; g(x);") ==
        Texts{"x<-1", "x2<-x", "x3<=2", "x4<-x", "x5<=3", "x6<-x", "x6<-x3", "x6<-x5"});
}

TEST_CASE("dataflow javascript: conditional expressions are branches") {
  CHECK(flow("let y = c ? a : b;") == Texts{"y<-c", "y<-a", "y<-b"});
  CHECK(flow("let x = 1; p && (x = q); g(x);") == Texts{"x<-1", "x2<=q", "x3<-x", "x3<-x2"});
  CHECK(flow("let x = 1; p ?? (x = q); g(x);") == Texts{"x<-1", "x2<=q", "x3<-x", "x3<-x2"});
  CHECK(flow("let x = 1; p + (x = q); g(x);") == Texts{"x<-1", "x2<=q", "x3<-x2"});
}

TEST_CASE("dataflow javascript: a for looks at its condition, then perhaps at its rounds") {
  CHECK(flow("for (let i = 0; i < n; i++) { s += i; } g(s, i);") ==
        Texts{"i<-0", "i2<-i", "i2<-i3", "n<-n", "i4<-i", "i4<-i3", "s<=i4", "s<-s", "i3<-i",
              "i3<-i3", "s2<-s", "i5<-i", "i5<-i3"});
}

TEST_CASE("dataflow javascript: for-of and for-in compute from what they run over") {
  CHECK(flow("for (const [k, v] of m) { g(k, v); }") ==
        Texts{"k<=m", "v<=m", "k2<-k", "v2<-v", "g<-g"});
  CHECK(flow("for (o.k in m) g(o.k);") == Texts{"k<=m", "o<-o", "o2<-o", "k2<-k", "g<-g"});
  CHECK(flow("let x = 1; for (x of s) {} g(x);") == Texts{"x<-1", "x2<=s", "x3<-x", "x3<-x2"});
}

TEST_CASE("dataflow javascript: while may run no round, do runs one") {
  CHECK(flow("let x = 1; while (c) { x = 2; } g(x);") ==
        Texts{"x<-1", "x2<=2", "c<-c", "x3<-x", "x3<-x2"});
  CHECK(flow("let x = 1; do { x = 2; } while (c); g(x);") ==
        Texts{"x<-1", "x2<=2", "c<-c", "x3<-x2"});
  CHECK(flow("label: while (c) { continue label; }") == Texts{"c<-c"});
}

TEST_CASE("dataflow javascript: the cases of a switch are branches, unless they fall through") {
  CHECK(flow("let x = 0; switch (k) { case 1: x = 2; break; default: x = 3; } g(x);") ==
        Texts{"x<-0", "x2<=2", "x3<=3", "x4<-x2", "x4<-x3"});
  CHECK(flow("let x = 0; switch (k) { case 1: case 5: x = 2; case 3: y = x; break; } g(x);") ==
        Texts{"x<-0", "x2<=2", "x3<-x", "x3<-x2", "y<=x3", "x4<-x", "x4<-x2"});
}

TEST_CASE("dataflow javascript: a try may end anywhere") {
  CHECK(flow("let x = 1; try { x = f(); } catch ({message}) { g(x, message); }"
             " finally { h(x); }") ==
        Texts{"x<-1", "x2<=f", "x3<-x", "x3<-x2", "message2<-message", "x4<-x", "x4<-x2"});
  CHECK(flow("try { x = 1; } catch { g(x); }") == Texts{"x<=1", "x2<-x"});
}

TEST_CASE("dataflow javascript: elements are uses where they open, those of browsers are none") {
  CHECK(flow("B = f; b = 1; x = <B y={b}><b>{b}</b></B>; g(x);") ==
        Texts{"B<=f", "b<=1", "x<=B2", "x<=b2", "x<=b4", "B2<-B", "b2<-b", "b4<-b", "x2<-x"});
}

TEST_CASE("dataflow javascript: bare methods and functions without a name") {
  CHECK(flow("m(x) { this.x = x; }") == Texts{"x3<-x", "x2<=x3"});
  CHECK(flow("function (a) { return a; }") == Texts{"a2<-a"});
  CHECK(flow("m: function (a) { return a; }") == Texts{"a2<-a"});
}

}  // namespace
}  // namespace ssmi::code
