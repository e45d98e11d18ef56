#include "ssmi/code/relations.h"

#include <algorithm>
#include <set>

#include "program.h"
#include "ssmi/code/functions.h"
#include "ssmi/core/file.h"
#include "support.h"

namespace ssmi::code {
namespace {

using test::Program;

/// The path of a leaf to the root. A string stands at its opening quote, below its node.
std::vector<int32_t> path(const Program& program, int32_t leaf) {
  std::vector<int32_t> nodes;
  const int32_t node = program.leaves[leaf].node;
  if (program.tree.is(node, Role::kString)) nodes.push_back(node + 1);
  for (int32_t n = node; n >= 0; n = program.tree.nodes()[static_cast<size_t>(n)].parent) {
    nodes.push_back(n);
  }
  return nodes;
}

int32_t plain_distance(const Program& program, int32_t i, int32_t j) {
  const auto a = path(program, i), b = path(program, j);
  for (size_t up = 0; up < a.size(); ++up) {
    for (size_t down = 0; down < b.size(); ++down) {
      if (a[up] == b[down]) return static_cast<int32_t>(up + down);
    }
  }
  return -1;
}

/// Whether leaf j is in the motif of leaf i, asked of j's side: its parent, or the parent of that.
bool plain_sibling(const Program& program, int32_t i, int32_t j) {
  const auto a = path(program, i), b = path(program, j);
  if (i == j || program.tree.is(program.leaves[i].node, Role::kString)) return false;
  if (b[1] == a[1]) return true;
  return b.size() > 2 && b[2] == a[1] && !program.tree.is(b[1], Role::kBlock);
}

const std::vector<Function>& sample() {
  static const std::vector<Function> functions = [] {
    auto all = load_functions(ssmi::test::share() / "data/python-functions.jsonl.xz").functions;
    std::vector<Function> some;
    for (size_t i = 0; i < all.size(); i += 60) {
      if (all[i].code.size() < 1500) some.push_back(all[i]);
    }
    return some;
  }();
  return functions;
}

void check_relations(const Program& program) {
  const Relations relations(program.tree, program.leaves);
  std::set<Edge> distances, siblings;
  for (int32_t i = 0; i < program.leaves.size(); ++i) {
    for (int32_t j = 0; j < program.leaves.size(); ++j) {
      const int32_t distance = plain_distance(program, i, j);
      REQUIRE(relations.distance(i, j) == (i == j ? 0 : distance));
      if (i < j && distance <= 6) distances.insert({i, j, distance});
      if (plain_sibling(program, i, j)) siblings.insert({i, j, 1});
    }
  }
  CHECK(relations.distances() == std::vector<Edge>(distances.begin(), distances.end()));
  CHECK(relations.siblings() == std::vector<Edge>(siblings.begin(), siblings.end()));
}

TEST_CASE("relations: distance and siblings are what their definitions say") {
  REQUIRE(sample().size() > 10);
  for (const Function& function : sample())
    check_relations(Program(function.code));
  for (const Language* language : Language::all()) {
    CAPTURE(language->name());
    check_relations(Program(read_file(test::sample_path(*language), 1 << 20), *language));
  }
}

TEST_CASE("relations: distance is a metric, at least 2 apart") {
  const Program program(sample().front().code);
  const Relations relations(program.tree, program.leaves);
  const int32_t count = std::min(program.leaves.size(), 60);
  for (int32_t i = 0; i < count; ++i) {
    for (int32_t j = 0; j < count; ++j) {
      const int32_t direct = relations.distance(i, j);
      CHECK(direct == relations.distance(j, i));
      CHECK((i == j ? direct == 0 : direct >= 2));
      bool shorter = true;
      for (int32_t k = 0; k < count; ++k) {
        shorter = shorter && direct <= relations.distance(i, k) + relations.distance(k, j);
      }
      CHECK(shorter);
    }
  }
}

TEST_CASE("relations: a string lies one level deeper and has no siblings of its own") {
  const Program program("f('a', b)");
  const Relations relations(program.tree, program.leaves);
  const int32_t open = program.find("("), string = program.find("'a'"), b = program.find("b");
  CHECK(relations.distance(open, string) == 3);
  CHECK(relations.distance(open, b) == 2);
  CHECK(relations.siblings(string).empty());
  const auto motif = relations.siblings(open);
  CHECK(std::count(motif.begin(), motif.end(), string) == 1);
  const auto above = relations.siblings(program.find("f"));  // its motif reaches one level down
  CHECK(std::count(above.begin(), above.end(), b) == 1);
  CHECK(std::count(above.begin(), above.end(), string) == 0);
}

TEST_CASE("relations: siblings point down one level, and not into a block") {
  const Program program("def f(a):\n  return a\n");
  const Relations relations(program.tree, program.leaves);
  const auto motif = [&](const std::string& label) {
    std::set<std::string> labels;
    for (const int32_t j : relations.siblings(program.find(label)))
      labels.insert(program.label(j));
    return labels;
  };
  CHECK(motif("def") == std::set<std::string>{"f", "(", "a", ")", ":"});
  CHECK(motif("a") == std::set<std::string>{"(", ")"});
  CHECK(motif("return") == std::set<std::string>{"a2"});
}

TEST_CASE("relations: more edges than fit are refused") {
  std::string list = "x = [";
  for (int i = 0; i < 4000; ++i)
    list += "a,";
  const Program program(list + "]");
  const Relations relations(program.tree, program.leaves);
  ssmi::test::check_fails(ExitCode::kBadInput, "more than 10000000 distance edges",
                          [&] { relations.distances(); });
  ssmi::test::check_fails(ExitCode::kBadInput, "siblings edges", [&] { relations.siblings(); });
}

}  // namespace
}  // namespace ssmi::code
