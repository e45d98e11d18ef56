// Trees as tuples against a plain reference: what tests/integration/ast_reference.py gives for the
// samples of every language, parsed by PyPI's tree-sitter.

#include "program.h"
#include "ssmi/code/constituents.h"
#include "ssmi/core/file.h"
#include "ssmi/io/jsonl.h"
#include "support.h"

namespace ssmi::code {
namespace {

Json as_json(const std::vector<Constituent>& tree) {
  Json json = Json::array();
  for (const Constituent& node : tree)
    json.push_back({node.label, node.first, node.end});
  return json;
}

void check_prediction(const std::vector<Constituent>& answer, const Json& expected) {
  const auto heights = expected["heights"].get<std::vector<double>>();
  const auto labels = expected["labels"].get<std::vector<std::string>>();
  const auto unary = expected["unary"].get<std::vector<std::string>>();
  const auto tree = constituents(heights, labels, unary);
  CHECK(as_json(tree) == expected["constituents"]);
  const Agreement found = agreement(answer, tree);
  CHECK(found.precision == doctest::Approx(expected["agreement"][0].get<double>()));
  CHECK(found.recall == doctest::Approx(expected["agreement"][1].get<double>()));
  CHECK(found.f1 == doctest::Approx(expected["agreement"][2].get<double>()));
}

TEST_CASE("constituents: equal to a plain reference in every language") {
  io::JsonlReader rows(std::filesystem::path(SSMI_SOURCE_DIR) / "tests/golden/constituents.jsonl");
  for (const Language* language : Language::all()) {
    CAPTURE(language->name());
    const auto row = rows.next();
    REQUIRE(row.has_value());
    const auto path = test::sample_path(*language);
    REQUIRE(row->at("file") == path.filename().string());
    const test::Program program(read_file(path, 1 << 20), *language);
    const auto tree = constituents(program.tree, program.leaves);
    CHECK(as_json(tree) == row->at("constituents"));
    const TreeTuple tuple = to_tuple(tree, program.leaves.size());
    CHECK(Json(tuple.heights) == row->at("heights"));
    CHECK(Json(tuple.labels) == row->at("labels"));
    CHECK(Json(tuple.unary) == row->at("unary"));
    check_prediction(tree, row->at("predicted"));
  }
}

}  // namespace
}  // namespace ssmi::code
