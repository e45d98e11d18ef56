// Leaves and relations of 60 real functions against the reference implementation's
// (tests/data/README.md).

#include <fstream>

#include "ssmi/code/relations.h"
#include "ssmi/core/json.h"
#include "support.h"

namespace ssmi::code {
namespace {

Json leaves_json(const SyntaxTree& tree, const Leaves& leaves) {
  Json json = Json::array();
  for (const Leaf& leaf : leaves.all()) {
    json.push_back({{"begin", leaf.begin},
                    {"end", leaf.end},
                    {"type", leaf.type},
                    {"text", tree.text(leaf.begin, leaf.end)}});
  }
  return json;
}

Json edges_json(const SyntaxTree& tree, const Leaves& leaves, Relation relation) {
  Json json = Json::array();
  for (const Edge& edge : edges(tree, leaves, relation)) {
    Json row{edge.from, edge.to};
    if (relation == Relation::kDistance) row.push_back(edge.label);
    if (relation == Relation::kDataFlow) {
      row.push_back(edge.label == kComesFrom ? "comesFrom" : "computedFrom");
    }
    json.push_back(row);
  }
  return json;
}

TEST_CASE("reference: leaves, distance, siblings and data flow of 60 functions are equal") {
  std::ifstream file(std::string(SSMI_SOURCE_DIR) + "/tests/data/python_reference.jsonl");
  std::string line;
  int functions = 0;
  while (std::getline(file, line)) {
    const Json row = parse_json(line, "python_reference.jsonl");
    CAPTURE(functions);
    const SyntaxTree tree(row["code"].get<std::string>());
    const Leaves leaves(tree);
    CHECK_FALSE(tree.has_error());
    CHECK(leaves_json(tree, leaves) == row["leaves"]);
    for (const Relation relation : kRelations) {
      CHECK(edges_json(tree, leaves, relation) == row[std::string(name(relation))]);
    }
    ++functions;
  }
  CHECK(functions == 60);
}

}  // namespace
}  // namespace ssmi::code
