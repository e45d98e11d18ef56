// The tree of every function there is comes back from its tuple: of the bundled data, and of public
// data sets (SSMI_SHARED).

#include "program.h"
#include "shared_functions.h"
#include "ssmi/code/constituents.h"
#include "support.h"

namespace ssmi::code {
namespace {

using test::functions_of_rows;
using test::functions_of_tokens;
using Functions = std::vector<std::string>;

/// How many parse; the tree of each of these comes back.
int64_t come_back(const Functions& functions, const char* language) {
  int64_t parsed = 0;
  for (const std::string& code : functions) {
    const test::Program program(code, Language::named(language));
    if (program.tree.has_error()) continue;
    const auto tree = constituents(program.tree, program.leaves);
    const TreeTuple tuple = to_tuple(tree, program.leaves.size());
    const std::vector<double> heights(tuple.heights.begin(), tuple.heights.end());
    CHECK_MESSAGE(constituents(heights, tuple.labels, tuple.unary) == tree, code);
    ++parsed;
  }
  return parsed;
}

TEST_CASE("constituents: those of every bundled function come back") {
  const auto data = ssmi::test::share() / "data";
  CHECK(come_back(functions_of_rows(data / "python-functions.jsonl.xz"), "python") == 1767);
  CHECK(come_back(functions_of_rows(data / "python-types.jsonl.xz"), "python") == 753);
}

/// The functions that the rows of a file of JSON are, or have under `code`.
Functions functions_of_search(const std::filesystem::path& path) {
  Functions functions;
  const Json rows = parse_json(test::text_of(path), path.string());
  for (const auto& [key, row] : rows.items())
    functions.push_back(row.is_object() ? row.at("code").get<std::string>() : key);
  return functions;
}

TEST_CASE("constituents: those of every function of public data sets come back") {
  const auto shared = ssmi::test::shared();
  if (!shared) return;
  const auto data = *shared / "data";
  const Functions of_problems{"prompt", "canonical_solution"};
  int64_t python = 0;
  for (const char* file :
       {"functions/python_docstring_train.jsonl.xz", "functions/python_docstring_dev.jsonl.xz",
        "types/python_types_train.jsonl.xz", "types/python_types_dev.jsonl.xz",
        "relations/python_reference.jsonl"}) {
    python += come_back(functions_of_rows(data / file), "python");
  }
  python += come_back(functions_of_rows(data / "humaneval/python.jsonl", of_problems), "python");
  for (const char* file : {"search/cosqa-dev.json", "search/code_idx_map.txt"})
    python += come_back(functions_of_search(data / file), "python");
  // PyPI's tree-sitter 0.25.2 finds an error in two of 85,773.
  CHECK(python == 85771);

  int64_t java = 0;
  for (const char* file : {"defects/java_cve_train.jsonl", "defects/java_cve_valid.jsonl"})
    java += come_back(functions_of_rows(data / file), "java");
  java += come_back(functions_of_rows(data / "humaneval/java.jsonl", of_problems), "java");
  java += come_back(functions_of_tokens(data / "functions/codesearchnet_cloze_java.json"), "java");
  CHECK(java == 810 + 272 + 164 + 475);

  const auto script = data / "functions/codesearchnet_cloze_javascript.json";
  CHECK(come_back(functions_of_tokens(script), "javascript") == 240);
  CHECK(come_back(functions_of_tokens(script), "typescript") == 241);
  const auto go = data / "functions/codesearchnet_cloze_go.json";
  CHECK(come_back(functions_of_tokens(go), "go") == 152);
}

}  // namespace
}  // namespace ssmi::code
