// The extractor against the rules of docs/parse.md written down plainly: recursive, copying the
// states, every loop visited twice. On random programs, since the extractor's journal and its
// single visit of inner loops are shortcuts that have to give the same edges.

#include <map>
#include <set>

#include "program.h"
#include "ssmi/code/dataflow.h"
#include "ssmi/core/random.h"
#include "support.h"

namespace ssmi::code {
namespace {

using test::Program;
using States = std::map<std::string, std::set<int32_t>>;

class Plain {
 public:
  explicit Plain(const Program& program) : program_(program) { visit(0, states_); }

  std::vector<Edge> edges() const { return {edges_.begin(), edges_.end()}; }

 private:
  std::string type(int32_t node) const { return std::string(program_.tree.type(node)); }

  std::vector<int32_t> variables(int32_t node) const {
    std::vector<int32_t> found;
    for (int32_t i = 0; i < program_.leaves.size(); ++i) {
      const int32_t at = program_.leaves[i].node;
      const int32_t end = program_.tree.nodes()[static_cast<size_t>(node)].end;
      if (at >= node && at < end && program_.text(i) != program_.leaves[i].type) found.push_back(i);
    }
    return found;
  }

  void visit(int32_t node, States& states) {
    const std::string kind = type(node);
    const auto children = program_.tree.children(node);
    if (children.empty()) {
      for (const int32_t leaf : variables(node))
        use(leaf, states);
    } else if (kind == "assignment" || kind == "augmented_assignment") {
      assign(node, states);
    } else if (kind == "if_statement") {
      branch(children, states);
    } else if (kind == "while_statement" || kind == "for_statement") {
      for (int round = 0; round < 2; ++round) {
        if (kind == "for_statement") {
          assign(node, states);
          visit(children.back(), states);
        } else {
          for (const int32_t child : children)
            visit(child, states);
        }
      }
    } else {
      for (const int32_t child : children)
        visit(child, states);
    }
  }

  void use(int32_t leaf, States& states) {
    const std::string name = program_.text(leaf);
    for (const int32_t source : states[name])
      edges_.insert({leaf, source, kComesFrom});
    if (states[name].empty() && program_.leaves[leaf].type == "identifier") states[name] = {leaf};
  }

  void assign(int32_t node, States& states) {  // sides without parts to pair
    const int32_t left = program_.tree.child(node, "left");
    const int32_t right = program_.tree.child(node, "right");
    visit(right, states);
    for (const int32_t target : variables(left)) {
      for (const int32_t source : variables(right)) {
        edges_.insert({target, source, kComputedFrom});
      }
      states[program_.text(target)] = {target};
    }
  }

  void branch(const std::vector<int32_t>& children, States& states) {
    const States before = states;
    States all;
    const auto unite = [&](const States& more) {
      for (const auto& [name, sources] : more)
        all[name].insert(sources.begin(), sources.end());
    };
    bool exhaustive = false;
    for (const int32_t child : children) {
      if (type(child) == "elif_clause" || type(child) == "else_clause") {
        exhaustive = exhaustive || type(child) == "else_clause";
        States own = before;
        visit(child, own);
        unite(own);
      } else {
        visit(child, states);
      }
    }
    unite(states);
    if (!exhaustive) unite(before);
    states = all;
  }

  const Program& program_;
  States states_;
  std::set<Edge> edges_;
};

std::string random_statement(Random& random, int depth, const std::string& indent) {
  const auto name = [&] { return std::string(1, "abcd"[random.below(4)]); };
  const auto block = [&] {
    std::string text;
    for (uint64_t i = random.below(3) + 1; i > 0; --i) {
      text += random_statement(random, depth - 1, indent + " ");
    }
    return text;
  };
  switch (depth > 0 ? random.below(7) : random.below(3)) {
    case 0:
      return indent + name() + "\n";
    case 1:
      return indent + name() + " = " + name() + "\n";
    case 2:
      return indent + name() + " = 1\n";
    case 3:
      return indent + "while " + name() + ":\n" + block();
    case 4:
      return indent + "for " + name() + " in " + name() + ":\n" + block();
    case 5:
      return indent + "if " + name() + ":\n" + block();
    default:
      return indent + "if " + name() + ":\n" + block() + indent + "elif " + name() + ":\n" +
             block() + (random.below(2) ? indent + "else:\n" + block() : "");
  }
}

TEST_CASE("dataflow: 500 random programs give the edges of the rules written plainly") {
  Random random(1, "dataflow programs");
  size_t edges = 0;
  for (int i = 0; i < 500; ++i) {
    std::string source;
    while (source.size() < 60)
      source += random_statement(random, 4, "");
    CAPTURE(source);
    const Program program(source);
    REQUIRE_FALSE(program.tree.has_error());
    const auto found = data_flow(program.tree, program.leaves);
    REQUIRE(found == Plain(program).edges());
    edges += found.size();
  }
  CHECK(edges > 10'000);
}

}  // namespace
}  // namespace ssmi::code
