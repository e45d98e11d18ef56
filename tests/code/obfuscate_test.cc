#include "ssmi/code/obfuscate.h"

#include "ssmi/code/functions.h"
#include "support.h"

namespace ssmi::code {
namespace {

std::string without_names(const std::string& source) {
  return obfuscated(SyntaxTree(source));
}

TEST_CASE("obfuscate: the function, its parameters and what it assigns") {
  CHECK(without_names("def area(width, height=2, *rest, unit: str, scale: int = 1, **more):\n"
                      "    result = width * height\n"
                      "    return result\n") ==
        "def Func(arg_0, arg_1=2, *arg_2, arg_3: str, arg_4: int = 1, **arg_5):\n"
        "    arg_6 = arg_0 * arg_1\n"
        "    return arg_6\n");
  CHECK(without_names("def f(*args: int, **kwargs: str):\n    pass\n") ==
        "def Func(*arg_0: int, **arg_1: str):\n    pass\n");
}

TEST_CASE("obfuscate: attributes, keywords, outer names and texts stay") {
  CHECK(without_names("def f(self, name):\n"
                      "    self.name = open(name, name=name).name['name']\n") ==
        "def Func(arg_0, arg_1):\n"
        "    arg_0.name = open(arg_1, name=arg_1).name['name']\n");
}

TEST_CASE("obfuscate: its own name goes wherever it stands") {
  CHECK(without_names("def walk(x):\n    super().walk(x)\n    return walk(x, walk=1)\n") ==
        "def Func(arg_0):\n    super().Func(arg_0)\n    return Func(arg_0, Func=1)\n");
}

TEST_CASE("obfuscate: every way to bind a name") {
  CHECK(without_names("def f():\n"
                      "    for i, (j, *k) in z: i += j\n"
                      "    with o() as w: pass\n"
                      "    try: pass\n"
                      "    except E as e: raise e\n"
                      "    g = lambda p, q=1: p + q\n"
                      "    def inner(): return [c for c in z if (n := c)]\n"
                      "    class Local: pass\n"
                      "    return inner, Local, n, w, f'{i} i'\n") ==
        "def Func():\n"
        "    for arg_0, (arg_1, *arg_2) in z: arg_0 += arg_1\n"
        "    with o() as arg_3: pass\n"
        "    try: pass\n"
        "    except E as arg_4: raise arg_4\n"
        "    arg_5 = lambda arg_6, arg_7=1: arg_6 + arg_7\n"
        "    def arg_8(): return [arg_9 for arg_9 in z if (arg_10 := arg_9)]\n"
        "    class arg_11: pass\n"
        "    return arg_8, arg_11, arg_10, arg_3, f'{arg_0} i'\n");
}

TEST_CASE("obfuscate: real functions still parse, with names gone") {
  const auto set = load_functions(ssmi::test::share() / "data/python-functions.jsonl.xz");
  size_t kept = 0;
  for (const Function& function : set.functions) {
    const SyntaxTree tree(function.code);
    const SyntaxTree out(obfuscated(tree));
    CHECK(out.has_error() == tree.has_error());
    CHECK(out.nodes().size() == tree.nodes().size());
    if (out.source().find("def Func(") == std::string::npos) ++kept;
  }
  CHECK(kept == 0);
}

TEST_CASE("obfuscate: other languages are refused") {
  const SyntaxTree tree("int f(int a) { return a; }", Language::named("java"));
  ssmi::test::check_fails(ExitCode::kMismatch, "Python alone, not in Java",
                          [&] { obfuscated(tree); });
}

}  // namespace
}  // namespace ssmi::code
