// Functions of public data sets in other languages than Python (SSMI_SHARED): how many parse, and
// what holds for those.

#include "program.h"
#include "shared_functions.h"
#include "ssmi/code/dataflow.h"
#include "support.h"

namespace ssmi::code {
namespace {

using test::functions_of_rows;
using test::functions_of_tokens;
using test::Program;

/// Holds leaves and relations to what is true of every program.
void check_program(const Program& program) {
  int32_t wrong = 0;
  int64_t end = 0;
  for (const Leaf& leaf : program.leaves.all()) {
    wrong += leaf.begin < end || leaf.end <= leaf.begin;
    end = leaf.end;
  }
  CHECK(wrong == 0);
  if (program.tree.language().flow_rules() == FlowRules::kNone) return;
  for (const Edge& edge : data_flow(program.tree, program.leaves)) {
    const Leaf &from = program.leaves[edge.from], &to = program.leaves[edge.to];
    wrong += !is_variable(program.tree, from) || !is_variable(program.tree, to);
  }
  CHECK(wrong == 0);
}

int64_t parsed(const std::vector<std::string>& functions, const char* language) {
  int64_t parsed = 0;
  for (const std::string& code : functions) {
    const Program program(code, Language::named(language));
    if (program.tree.has_error()) continue;
    check_program(program);
    ++parsed;
  }
  return parsed;
}

TEST_CASE("shared languages: how many functions of public data sets parse") {
  const auto shared = ssmi::test::shared();
  if (!shared) return;
  const auto data = *shared / "data";
  const auto cloze = [&](const std::string& name) {
    return functions_of_tokens(data / "functions" / ("codesearchnet_cloze_" + name + ".json"));
  };
  // The same counts as by PyPI's tree-sitter 0.25.2 with the same grammars (tree-sitter-java
  // 0.23.5, -javascript 0.25.0, -typescript 0.23.2, -go 0.25.0), has_error of the text and of it in
  // wrappers. Those that do not parse lost line ends, or hold tokens that were cut in two.
  CHECK(cloze("java").size() == 482);
  CHECK(parsed(cloze("java"), "java") == 475);
  CHECK(cloze("javascript").size() == 272);
  CHECK(parsed(cloze("javascript"), "javascript") == 240);
  CHECK(parsed(cloze("javascript"), "typescript") == 241);
  CHECK(parsed(cloze("go"), "go") == 152);
  CHECK(parsed(functions_of_rows(data / "defects/java_cve_train.jsonl"), "java") == 810);
  CHECK(parsed(functions_of_rows(data / "defects/java_cve_valid.jsonl"), "java") == 272);
  CHECK(parsed(functions_of_rows(data / "humaneval/java.jsonl", {"prompt", "canonical_solution"}),
               "java") == 164);
}

}  // namespace
}  // namespace ssmi::code
