#include "ssmi/code/constituents.h"

#include <algorithm>
#include <limits>

#include "program.h"
#include "ssmi/core/random.h"
#include "support.h"

namespace ssmi::code {
namespace {

using test::Program;
using Heights = std::vector<double>;
using Labels = std::vector<std::string>;
using Tree = std::vector<Constituent>;

Tree tree_of(const std::string& source) {
  const Program program(source);
  return constituents(program.tree, program.leaves);
}

TreeTuple tuple_of(const std::string& source) {
  const Program program(source);
  return to_tuple(constituents(program.tree, program.leaves), program.leaves.size());
}

/// There and back.
Tree round_trip(const Tree& tree, int32_t leaves) {
  const TreeTuple tuple = to_tuple(tree, leaves);
  return constituents(Heights(tuple.heights.begin(), tuple.heights.end()), tuple.labels,
                      tuple.unary);
}

/// Whether it comes back; no CHECK of its own, which would print the tree.
bool comes_back(const std::string& source, int32_t leaves) {
  const Tree tree = tree_of(source);
  return tree.front().end == leaves && round_trip(tree, leaves) == tree;
}

TEST_CASE("constituents: every node with leaves below it, outermost first") {
  CHECK(tree_of("x = f(a)") == Tree{{"module", 0, 6},
                                    {"expression_statement", 0, 6},
                                    {"assignment", 0, 6},
                                    {"call", 2, 6},
                                    {"argument_list", 3, 6}});
  CHECK(tree_of("").empty());
  CHECK(tree_of("# nothing\n").empty());
  // Docstring, comment and `;` are no leaves; what is in a string is no node.
  CHECK(tree_of("'doc'\n# c\nf'{a}';") == Tree{{"module", 0, 1}, {"expression_statement", 0, 1}});
}

TEST_CASE("constituents: a tree as heights and labels, by hand") {
  const TreeTuple call = tuple_of("x = f(a)");  // (x (= (f ('(' (a ')')))))
  CHECK(call.heights == std::vector<int32_t>{5, 4, 3, 2, 1});
  CHECK(call.labels ==
        Labels{"module<sep>expression_statement<sep>assignment", "", "call", "argument_list", ""});
  CHECK(call.unary == Labels(6));

  const TreeTuple import = tuple_of("import a.b, c");  // (import ((a (. b)) (, c)))
  CHECK(import.heights == std::vector<int32_t>{4, 2, 1, 3, 1});
  CHECK(import.labels == Labels{"module<sep>import_statement", "dotted_name", "", "", ""});
  CHECK(import.unary == Labels{"", "", "", "", "", "dotted_name"});

  const TreeTuple body = tuple_of("def f():\n  'doc'\n  x  # c\n");  // (def (f (('(' ')') (: x))))
  CHECK(body.heights == std::vector<int32_t>{4, 3, 1, 2, 1});
  CHECK(body.labels == Labels{"module<sep>function_definition", "", "parameters", "", ""});
  CHECK(body.unary == Labels{"", "", "", "", "", "block<sep>expression_statement"});

  const TreeTuple one = tuple_of("pass");
  CHECK(one.heights.empty());
  CHECK(one.labels.empty());
  CHECK(one.unary == Labels{"module<sep>pass_statement"});
  CHECK(tuple_of("# nothing\n").unary.empty());
}

TEST_CASE("constituents: predicted heights are split at the first greatest") {
  const Labels labels{"a", "b", "c"}, none(4);
  const Tree from_right{{"a", 0, 4}, {"b", 1, 4}, {"c", 2, 4}};
  CHECK(constituents(Heights{.5, .5, .5}, labels, none) == from_right);
  CHECK(constituents(Heights{3, -2, -2.5}, labels, none) == from_right);
  const Tree balanced{{"b", 0, 4}, {"a", 0, 2}, {"c", 2, 4}};
  CHECK(constituents(Heights{0, .25, 0}, labels, none) == balanced);
  const Tree from_left{{"c", 0, 4}, {"b", 0, 3}, {"a", 0, 2}};
  CHECK(constituents(Heights{1, 2, 3}, labels, none) == from_left);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(constituents(Heights{1, nan, 2}, labels, none).size() == 3);
}

TEST_CASE("constituents: fused labels come apart, nodes without label go") {
  CHECK(constituents(Heights{1, 2}, Labels{"b<sep>c", ""}, Labels{"", "", "d<sep>e"}) ==
        Tree{{"b", 0, 2}, {"c", 0, 2}, {"d", 2, 3}, {"e", 2, 3}});
  CHECK(constituents({}, {}, Labels{"a"}) == Tree{{"a", 0, 1}});
  CHECK(constituents({}, {}, Labels{""}).empty());
  CHECK(constituents({}, {}, {}).empty());
  const Labels two(2);
  ssmi::test::check_fails(ExitCode::kBug, "2 heights",
                          [&] { constituents(Heights{1, 2}, two, two); });
  ssmi::test::check_fails(ExitCode::kBug, "1 heights", [&] { constituents(Heights{1}, two, two); });
  ssmi::test::check_fails(ExitCode::kBug, "0 heights", [&] { constituents({}, {}, two); });
}

/// Appends a random tree over leaves [first, end); `chance` is that of a node, at the top 1.
void grow(Tree& tree, int32_t first, int32_t end, double chance, Random& random) {
  for (double next = chance; random.uniform() < next; next = .3)
    tree.push_back({std::string(1, static_cast<char>('a' + random.below(3))), first, end});
  if (end == first + 1) return;
  const auto cut = first + 1 + static_cast<int32_t>(random.below(uint64_t(end - first - 1)));
  grow(tree, first, cut, .5, random);
  grow(tree, cut, end, .5, random);
}

TEST_CASE("constituents: random trees come back, and have one greatest height a span") {
  Random random(1, "trees");
  for (int round = 0; round < 2000; ++round) {
    const auto leaves = 1 + static_cast<int32_t>(random.below(40));
    Tree tree;
    grow(tree, 0, leaves, 1, random);
    REQUIRE(round_trip(tree, leaves) == tree);
    const TreeTuple tuple = to_tuple(tree, leaves);
    for (const Constituent& node : tree) {
      if (node.end == node.first + 1) continue;
      const auto begin = tuple.heights.begin() + node.first, end = tuple.heights.begin() + node.end;
      REQUIRE(std::count(begin, end - 1, *std::max_element(begin, end - 1)) == 1);
    }
  }
}

/// What the heights give, as it is defined.
void split(const Heights& heights, int32_t first, int32_t end, Tree& tree) {
  if (end == first + 1) return;
  const auto greatest = std::max_element(heights.begin() + first, heights.begin() + end - 1);
  const auto at = static_cast<int32_t>(greatest - heights.begin());
  tree.push_back({std::to_string(at), first, end});
  split(heights, first, at + 1, tree);
  split(heights, at + 1, end, tree);
}

TEST_CASE("constituents: any heights give the tree of repeated splits") {
  Random random(1, "heights");
  for (int round = 0; round < 2000; ++round) {
    Heights heights(random.below(40));
    Labels labels;
    for (double& height : heights) {
      height = static_cast<double>(random.below(12)) / 4 - 1;  // with many ties
      labels.push_back(std::to_string(labels.size()));
    }
    Tree tree;
    split(heights, 0, static_cast<int32_t>(heights.size()) + 1, tree);
    REQUIRE(constituents(heights, labels, Labels(heights.size() + 1)) == tree);
  }
}

std::string repeated(const std::string& text, int32_t times) {
  std::string all;
  for (int32_t i = 0; i < times; ++i)
    all += text;
  return all;
}

TEST_CASE("constituents: deep and wide trees take no recursion and no quadratic time") {
  const int32_t n = 100'000;
  CHECK(comes_back(repeated("(", n) + "x" + repeated(")", n), 2 * n + 1));
  CHECK(comes_back("x" + repeated("+x", n), 2 * n + 1));            // leans to the left
  CHECK(comes_back("x" + repeated(" if x else x", n), 4 * n + 1));  // to the right
  CHECK(comes_back("[" + repeated("x,", n) + "]", 2 * n + 2));
  CHECK(comes_back(repeated("x\n", n), n));
  const Tree chain(n, {"a", 0, 1});
  CHECK(bool(round_trip(chain, 1) == chain));
}

TEST_CASE("constituents: no grammar has a node type with what joins fused labels") {
  for (const Language* language : Language::all()) {
    int64_t types = 0;
    for (uint16_t symbol = 0; language->type(symbol) != "ERROR"; ++symbol, ++types)
      REQUIRE(language->type(symbol).find(kFused) == std::string_view::npos);
    CHECK(types > 100);
  }
}

TEST_CASE("constituents: precision, recall and F1 over multisets, by hand") {
  const Tree answer{{"a", 0, 3}, {"b", 0, 2}, {"b", 0, 2}};
  const Agreement some = agreement(answer, {{"b", 0, 2}, {"c", 1, 3}, {"a", 0, 3}, {"a", 0, 3}});
  CHECK(some.precision == 2. / 4);
  CHECK(some.recall == 2. / 3);
  CHECK(some.f1 == doctest::Approx(4. / 7));
  const Agreement all = agreement(answer, {{"b", 0, 2}, {"a", 0, 3}, {"b", 0, 2}});
  CHECK((all.precision == 1 && all.recall == 1 && all.f1 == 1));
  const Agreement none = agreement(answer, {{"a", 0, 2}, {"a", 1, 3}, {"b", 0, 3}});
  CHECK((none.precision == 0 && none.recall == 0 && none.f1 == 0));
  const Agreement nothing = agreement(answer, {});
  CHECK((nothing.precision == 0 && nothing.recall == 0 && nothing.f1 == 0));
}

}  // namespace
}  // namespace ssmi::code
