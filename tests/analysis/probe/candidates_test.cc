#include "ssmi/analysis/probe/candidates.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "code/program.h"
#include "ssmi/code/dataflow.h"
#include "support.h"

namespace ssmi::probe {
namespace {

using code::Edge;
using code::test::Program;

std::vector<Candidate> pairs_of(const Program& program, Task task, bool slip = false) {
  Random random(1, "test");
  return candidate_pairs(program.tree, program.leaves, task, slip, random);
}

const char* const kSource =
    "def f(a, b):\n"
    "    if a and not b:\n"
    "        c = a\n"
    "        return None or True\n"
    "    c += 1\n"
    "    return c\n";

TEST_CASE("candidates: distance pairs start at a keyword and have the tree's distance") {
  const Program program(kSource);
  const code::Relations relations(program.tree, program.leaves);
  std::set<std::string> first;
  for (const Candidate& pair : pairs_of(program, Task::kDistance)) {
    const int32_t distance = relations.distance(pair.first, pair.second);
    CHECK(pair.label == std::to_string(distance));
    CHECK(distance >= 2);
    CHECK(distance <= 6);
    first.insert(program.text(pair.first));
  }
  CHECK(first == std::set<std::string>{"def", "if", "and", "not", "return", "None", "or", "True"});
  first.clear();
  for (const Candidate& pair : pairs_of(program, Task::kDistance, true)) {
    first.insert(program.text(pair.first));
  }
  CHECK(first == std::set<std::string>{"def", "if", "and", "not", "return", "None"});
}

TEST_CASE("candidates: siblings are balanced in each row and negatives are unrelated") {
  const Program program(kSource);
  const code::Relations relations(program.tree, program.leaves);
  std::map<int32_t, std::map<std::string_view, int>> count;
  for (const Candidate& pair : pairs_of(program, Task::kSiblings)) {
    const auto related = relations.siblings(pair.first);
    CHECK(std::binary_search(related.begin(), related.end(), pair.second) == (pair.label == "1"));
    CHECK(pair.first != pair.second);
    ++count[pair.first][pair.label];
  }
  CHECK_FALSE(count.empty());
  for (auto& [row, labels] : count)
    CHECK(labels["0"] == labels["1"]);
}

TEST_CASE("candidates: data flow leaves out edges to itself and draws half as many unrelated") {
  const Program program("def f(x):\n    for i in x:\n        y = y + g(i)\n    return y\n");
  std::map<int32_t, std::map<int32_t, int>> count;
  std::set<std::pair<int32_t, int32_t>> edges;
  bool has_self_edge = false;
  for (const Edge& edge : code::data_flow(program.tree, program.leaves)) {
    edges.emplace(edge.from, edge.to);
    ++count[edge.from][edge.label];
    has_self_edge = has_self_edge || edge.from == edge.to;
  }
  CHECK(has_self_edge);
  std::map<int32_t, int> negatives;
  for (const Candidate& pair : pairs_of(program, Task::kDataFlow)) {
    CHECK(pair.first != pair.second);
    CHECK(edges.contains({pair.first, pair.second}) == (pair.label != "0"));
    negatives[pair.first] += pair.label == "0" ? 1 : 0;
  }
  for (auto& [row, labels] : count) {
    const int most = std::max(labels[code::kComesFrom], labels[code::kComputedFrom]);
    CHECK(negatives[row] == (most + 1) / 2);
  }
}

/// "x:identifier" for each leaf that a task may draw.
std::vector<std::string> tokens_of(const Program& program, Task task) {
  std::vector<std::string> tokens;
  for (const Candidate& token : pairs_of(program, task)) {
    CHECK(token.first == token.second);
    tokens.push_back(fmt::format("{}:{}", program.text(token.first), token.label));
  }
  return tokens;
}

using Tokens = std::vector<std::string>;

TEST_CASE("candidates: types of leaves that do not spell them, of parents, depths, roles") {
  const Program program("def f(a):\n    return a.b(1, 'x')\n");
  CHECK(tokens_of(program, Task::kNodeType) == Tokens{"f:identifier", "a:identifier",
                                                      "a:identifier", "b:identifier", "1:integer",
                                                      "'x':string"});
  CHECK(tokens_of(program, Task::kParentType) ==
        Tokens{"def:function_definition", "f:function_definition", "(:parameters", "a:parameters",
               "):parameters", "::function_definition", "return:return_statement", "a:attribute",
               ".:attribute", "b:attribute", "(:argument_list", "1:argument_list",
               ",:argument_list", "'x':argument_list", "):argument_list"});
  // module, function_definition, block, return_statement, call, attribute or argument_list; the
  // string stands at its opening quote
  CHECK(tokens_of(program, Task::kDepth) == Tokens{"def:2", "f:2", "(:3", "a:3", "):3", "::2",
                                                   "return:4", "a:6", ".:6", "b:6", "(:6", "1:6",
                                                   ",:6", "'x':7", "):6"});
  CHECK(tokens_of(program, Task::kRole) ==
        Tokens{"f:definition", "a:parameter", "a:use", "b:call"});
}

TEST_CASE("candidates: a definition's pairs have one text, a use both labels") {
  const Program program("def f(x, y):\n    x = g(x)\n    return x + y\n");
  std::vector<std::tuple<std::string, std::string, std::string_view>> pairs;
  for (const Candidate& pair : pairs_of(program, Task::kDefinition))
    pairs.emplace_back(program.label(pair.first), program.label(pair.second), pair.label);
  const decltype(pairs) expected{
      {"x3", "x", "1"}, {"x3", "x2", "0"}, {"x4", "x", "0"}, {"x4", "x2", "1"}};
  CHECK((pairs == expected));  // LibTorch's way to print vectors knows no tuples
}

TEST_CASE("candidates: labels of the data are those of most functions, enough of them, in order") {
  std::vector<std::vector<Candidate>> all(20);
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (int i = 0; i < 20; ++i)
      names.push_back(std::to_string(i));
    return names;
  }();
  for (size_t f = 0; f < all.size(); ++f) {
    for (size_t label = 0; label <= f; ++label)
      all[f].push_back({0, 0, kNames[label]});  // label l in 20 - l functions
    for (int i = 0; i < 100 && f == 0; ++i)
      all[f].push_back({i, i, "often"});  // in one function
  }
  const auto firsts = [](size_t count) {
    return std::vector<std::string>(kNames.begin(), kNames.begin() + static_cast<int>(count));
  };
  CHECK(frequent_labels(all, 1) == firsts(12));
  auto many = firsts(11);
  many.emplace_back("often");
  CHECK(frequent_labels(all, 10) == many);
  CHECK(frequent_labels(all, 20) == std::vector<std::string>{"0", "often"});
  CHECK(frequent_labels(all, 101).empty());
}

}  // namespace
}  // namespace ssmi::probe
