// Leaves, siblings and functions of the other languages.

#include <set>

#include "program.h"
#include "ssmi/code/functions.h"
#include "ssmi/core/file.h"
#include "support.h"

namespace ssmi::code {
namespace {

using test::Program;
using Texts = std::vector<std::string>;

Texts texts(const std::string& language, const std::string& source) {
  const Program program(source, Language::named(language));
  CAPTURE(source);
  CHECK_FALSE(program.tree.has_error());
  Texts all;
  for (int32_t i = 0; i < program.leaves.size(); ++i)
    all.push_back(program.text(i));
  return all;
}

/// The labels of what is in the motif of a leaf.
std::set<std::string> motif(const Program& program, const std::string& label) {
  const Relations relations(program.tree, program.leaves);
  std::set<std::string> labels;
  for (const int32_t j : relations.siblings(program.find(label)))
    labels.insert(program.label(j));
  return labels;
}

TEST_CASE("leaves: strings of every language are one") {
  CHECK(texts("java", "s = \"a\\n\" + 'c';") == Texts{"s", "=", "\"a\\n\"", "+", "'c'", ";"});
  CHECK(texts("java", "s = \"\"\"\n a\n\"\"\";") == Texts{"s", "=", "\"\"\"\n a\n\"\"\"", ";"});
  CHECK(texts("go", "s = `a\nb` + \"c\" + 'd'") ==
        Texts{"s", "=", "`a\nb`", "+", "\"c\"", "+", "'d'"});
  CHECK(texts("javascript", "s = `a${b}` + /c[/]/g + 'd'") ==
        Texts{"s", "=", "`a${b}`", "+", "/c[/]/g", "+", "'d'"});
  CHECK(texts("typescript", "type s = `a${B}` | 'c'") ==
        Texts{"type", "s", "=", "`a${B}`", "|", "'c'"});
  CHECK(texts("c", "char *s = \"a\" \"b\", c = 'd';") ==
        Texts{"char", "*", "s", "=", "\"a\"", "\"b\"", ",", "c", "=", "'d'", ";"});
  CHECK(texts("cpp", "auto s = R\"x(a\n\"b\")x\";") ==
        Texts{"auto", "s", "=", "R\"x(a\n\"b\")x\"", ";"});
}

TEST_CASE("leaves: comments of every language are none, semicolons are") {
  CHECK(texts("java", "/** a */ x(); // b\n/* c */") == Texts{"x", "(", ")", ";"});
  CHECK(texts("go", "// a\nx() /* b */\n") == Texts{"x", "(", ")"});
  CHECK(texts("javascript", "#!/bin/node\nx; // a\n/* b */ y") == Texts{"x", ";", "y"});
  CHECK(texts("tsx", "x; // a\n<b>{/* c */}</b>") ==
        Texts{"x", ";", "<", "b", ">", "{", "}", "</", "b", ">"});
  CHECK(texts("c", "int x; // a\\\nb\n/* c */") == Texts{"int", "x", ";"});
  CHECK(texts("cpp", "// a\nint x;") == Texts{"int", "x", ";"});
  CHECK(texts("javascript", "'use strict'; x") == Texts{"'use strict'", ";", "x"});  // no docstring
}

TEST_CASE("leaves: all but white space and comments is in a leaf, in every language") {
  for (const Language* language : Language::all()) {
    CAPTURE(language->name());
    const Program program(read_file(test::sample_path(*language), 1 << 20), *language);
    REQUIRE_FALSE(program.tree.has_error());
    CHECK(program.leaves.size() > 100);
    std::string rest = program.tree.source();
    const auto blank = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        rest[static_cast<size_t>(i)] = ' ';
    };
    for (const Leaf& leaf : program.leaves.all())
      blank(leaf.begin, leaf.end);
    for (int32_t n = 0; n < static_cast<int32_t>(program.tree.nodes().size()); ++n) {
      const Node& node = program.tree.nodes()[static_cast<size_t>(n)];
      if (program.leaves.is_left_out(n)) blank(node.begin_byte, node.end_byte);
    }
    for (size_t at = rest.find("\\\n"); at != rest.npos; at = rest.find("\\\n"))
      rest[at] = ' ';  // a continued line
    CHECK(rest.find_first_not_of(" \t\n") == rest.npos);
  }
}

TEST_CASE("siblings: a keyword's motif is its construct, without what is in blocks") {
  const Program java("void f() { if (a) { b(); } else return c; }", Language::named("java"));
  CHECK(motif(java, "if") == std::set<std::string>{"(2", "a", ")2", "else", "return", "c", ";2"});
  CHECK(motif(java, "return") == std::set<std::string>{"c", ";2"});
  const Program go("func f(x int) int { for i := range x { g(i) }; return 1 }",
                   Language::named("go"));
  CHECK(motif(go, "func") == std::set<std::string>{"f", "(", ")", "int2"});
  CHECK(motif(go, "for") == std::set<std::string>{":=", "range", "x2"});
  const Program script("for (const x of y) { z(x) }", Language::named("javascript"));
  CHECK(motif(script, "for") == std::set<std::string>{"(", "const", "x", "of", "y", ")"});
  const Program c("void f(void) { while (a < b) { c(); } }", Language::named("c"));
  CHECK(motif(c, "while") == std::set<std::string>{"(2", ")2"});
  const Program cpp("class A : public B { int x; };", Language::named("cpp"));
  CHECK(motif(cpp, "class") == std::set<std::string>{"A", ":", "B"});
  const Program type("interface A<T> { b: T }", Language::named("typescript"));
  CHECK(motif(type, "interface") == std::set<std::string>{"A", "<", ">"});
}

TEST_CASE("fragments: methods parse as if their class stood around them") {
  const Program program("  A(int x) { y = x; } // c\n", Language::named("java"));
  REQUIRE_FALSE(program.tree.has_error());
  CHECK(program.tree.type(0) == "program");
  CHECK(program.tree.type(1) == "constructor_declaration");
  REQUIRE(program.leaves.size() == 11);
  CHECK(program.leaves[0].begin == 2);
  CHECK(program.text(10) == "}");
  const std::vector<Node>& nodes = program.tree.nodes();
  CHECK(nodes[0].end == static_cast<int32_t>(nodes.size()));
  CHECK(nodes[0].end_byte == program.tree.source().size());
  for (size_t n = 1; n < nodes.size(); ++n) {
    const Node& parent = nodes[static_cast<size_t>(nodes[n].parent)];
    CHECK(nodes[n].depth == parent.depth + 1);
    CHECK(nodes[n].end <= parent.end);
    CHECK(nodes[n].end_byte <= parent.end_byte);
  }
  const Program whole("class A { A(int x) { y = x; } }", Language::named("java"));
  const Relations alone(program.tree, program.leaves), inside(whole.tree, whole.leaves);
  for (int32_t i = 1; i < 11; ++i)
    CHECK(alone.distance(0, i) == inside.distance(3, i + 3));
}

TEST_CASE("fragments: what would end the class around it, or is broken in it, is refused") {
  for (const char* source : {"int f() { } } class B {", "A() { ) }", "A(int x) { y = ; }", "}"}) {
    CAPTURE(source);
    CHECK(SyntaxTree(source, Language::named("java")).has_error());
  }
  CHECK(SyntaxTree(") + (", Language::named("javascript")).has_error());
  CHECK_FALSE(SyntaxTree("function (a) { }", Language::named("javascript")).has_error());
  CHECK_FALSE(SyntaxTree("get a() { return 1 }", Language::named("tsx")).has_error());
  CHECK(SyntaxTree("m() { x }\nreturn", Language::named("python")).has_error());
  const SyntaxTree broken("A() {\n  ) }", Language::named("java"));
  REQUIRE(broken.has_error());
  CHECK(broken.error()->line == 1);  // of the text alone
}

TEST_CASE("functions: those of every language have their names and parse alone") {
  const std::vector<std::string> expected{
      "top norm ",
      "Point compareTo text value value draw Pair ",
      "Area run ",
      "constructor size items square named exports.go ",
      "constructor size same ",
      "constructor size same page ",
      "chosen main ",
      "Point operator+= operator bool() const run Point<int>::norm ",
  };
  for (size_t i = 0; i < expected.size(); ++i) {
    const FunctionSet set = load_functions(test::sample_path(*Language::all()[i]));
    std::string names;
    for (const Function& function : set.functions)
      names += function.name + " ";
    CHECK(names == expected[i]);
    CHECK(set.functions_broken == 0);
    CHECK(set.languages == std::vector<const Language*>{Language::all()[i]});
  }
}

TEST_CASE("functions: bodies are dedented, lines that begin in strings are not") {
  const auto functions = functions_of(SyntaxTree("class A {\n"
                                                 "  m() {\n"
                                                 "    return `a\n"
                                                 "    b`\n"
                                                 "  }\n"
                                                 "}\n"
                                                 "x.y = async (z) => {\n"
                                                 "  z\n"
                                                 "}\n",
                                                 Language::named("javascript")),
                                      "m.js");
  REQUIRE(functions.size() == 2);
  CHECK(functions[0].code == "m() {\n  return `a\n    b`\n}");
  CHECK(functions[0].line == 2);
  CHECK(functions[1].code == "async (z) => {\n  z\n}");
  CHECK(functions[1].name == "x.y");
}

TEST_CASE("functions: a folder of several languages, and one of them alone") {
  const ssmi::test::TemporaryFolder folder;
  write_file(folder / "a.h", "template <class T> T f(T x) { return x; }");
  write_file(folder / "b.java", "class B { int g() { return 1; } }");
  write_file(folder / "c.cc", "int h() { return 1; }");
  write_file(folder / "d.rb", "def no; end");
  const auto names = [&](const Language* language) {
    std::string names;
    const FunctionSet set = load_functions(folder.path(), "code", language);
    for (const Function& function : set.functions)
      names += function.name + ":" + std::string(function.language->short_name()) + " ";
    return names + std::to_string(set.files_broken);
  };
  CHECK(names(nullptr) == "g:java h:cpp 1");  // the header is no C
  CHECK(names(&Language::named("cpp")) == "f:cpp h:cpp 0");
  CHECK(load_functions(folder / "a.h", "code", &Language::named("cpp")).functions.size() == 1);
  ssmi::test::check_fails(ExitCode::kBadInput, "does not parse as C from here on",
                          [&] { load_functions(folder / "a.h"); });
  ssmi::test::check_fails(ExitCode::kBadInput, "no function found",
                          [&] { load_functions(folder.path(), "code", &Language::named("go")); });
  write_file(folder / "rows", "{\"code\": \"int f() { return 1; }\"}");
  const FunctionSet rows = load_functions(folder / "rows", "code", &Language::named("java"));
  CHECK(rows.functions.at(0).language == &Language::named("java"));
  CHECK(rows.sha256 != load_functions(folder / "rows").sha256);
}

}  // namespace
}  // namespace ssmi::code
