#include "ssmi/code/language.h"

#include <set>

#include "program.h"
#include "ssmi/code/dataflow.h"
#include "support.h"

namespace ssmi::code {
namespace {

using test::Program;

TEST_CASE("language: every grammar loads, and has the nodes that the table names") {
  std::string names;
  for (const Language* language : Language::all()) {
    names += std::string(language->short_name()) + " ";
    CHECK(language->abi() >= 13);
    CHECK(language->version().find('.') != std::string::npos);
    CHECK_FALSE(language->extensions().empty());
    CHECK(&Language::named(language->name()) == language);
    CHECK(&Language::named(language->short_name()) == language);
  }
  CHECK(names == "python java go javascript typescript tsx c cpp ");
  CHECK(Language::all()[0] == &Language::python());
}

TEST_CASE("language: by extension and by name") {
  const auto of = [](const char* path) {
    const Language* language = Language::of_path(path);
    return language == nullptr ? std::string() : std::string(language->short_name());
  };
  CHECK(of("a/b.py") == "python");
  CHECK(of("b.jsx") == "javascript");
  CHECK(of("b.tsx") == "tsx");
  CHECK(of("b.d.ts") == "typescript");
  CHECK(of("b.h") == "c");
  CHECK(of("b.hpp") == "cpp");
  CHECK(of("b.rb").empty());
  CHECK(of("java").empty());
  CHECK(of(".py").empty());  // a hidden file without extension
  CHECK(Language::named("cpp").has_extension_of("b.h"));
  CHECK(Language::named("JavaScript").name() == "JavaScript");
  ssmi::test::check_fails(ExitCode::kUsage, "unknown language 'ruby': known are python, java, go",
                          [] { Language::named("ruby"); });
}

TEST_CASE("language: a word spelt like a kind of node is no such node") {
  const Program program("let x: string = 'a'", Language::named("typescript"));
  const auto is_string = [&](const char* text) {
    return program.tree.is(program.leaves[program.find(text)].node, Role::kString);
  };
  CHECK_FALSE(is_string("string"));
  CHECK(is_string("'a'"));
}

TEST_CASE("language: data flow is refused by name where it is not known") {
  for (const char* name : {"go", "typescript", "tsx", "c", "cpp"}) {
    const Program program("x", Language::named(name));
    ssmi::test::check_fails(ExitCode::kMismatch, "not for " + program.tree.language().name(),
                            [&] { edges(program.tree, program.leaves, Relation::kDataFlow); });
  }
}

}  // namespace
}  // namespace ssmi::code
