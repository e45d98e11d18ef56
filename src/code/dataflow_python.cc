#include <string_view>

#include "flow_walk.h"

namespace ssmi::code {
namespace {

/// GraphCodeBERT's extractor, oddities included.
class PythonFlow : public FlowWalk {
 public:
  using FlowWalk::FlowWalk;

 private:
  void visit_node(int32_t node) override {
    const std::string_view type = tree().type(node);
    if (type == "default_parameter") return plan_default(node);
    if (type == "assignment" || type == "augmented_assignment") return plan_assignment(node);
    if (type == "for_in_clause") return plan_comprehension(node);
    if (type == "if_statement") return plan_if(node);
    if (type == "for_statement") return plan_for(node);
    if (type == "while_statement") return plan_while(node);
    plan_clauses_first(node);
  }

  void plan_default(int32_t node) {
    const int32_t name = tree().child(node, "name");
    const int32_t value = tree().child(node, "value");
    if (name < 0 || value < 0) return plan_clauses_first(node);
    Tasks tasks{visit(value)};
    append_assignment(tasks, name, value, kComesFrom);
    plan(tasks);
  }

  void plan_assignment(int32_t node) {
    const int32_t left = tree().child(node, "left");
    const int32_t right = tree().child(node, "right");
    if (left >= 0 && right >= 0) plan(assignment(left, right));
  }

  void plan_comprehension(int32_t node) {
    const int32_t left = tree().child(node, "left");
    const int32_t right = tree().children(node).back();
    if (left < 0) return plan_clauses_first(node);
    Tasks tasks{visit(right)};
    append_assignment(tasks, left, right, kComputedFrom);
    plan(tasks);
  }

  void plan_if(int32_t node) {
    Tasks tasks{{Step::kBeginBranches}};
    bool has_else = false;
    for (const int32_t child : tree().children(node)) {
      const std::string_view type = tree().type(child);
      if (type == "elif_clause" || type == "else_clause") tasks.push_back({Step::kEndBranch});
      if (type == "else_clause") has_else = true;
      tasks.push_back(visit(child));
    }
    tasks.push_back({Step::kEndBranch});
    tasks.push_back({Step::kJoin, has_else ? 1 : 0});
    plan(tasks);
  }

  void plan_for(int32_t node) {
    const int32_t left = tree().child(node, "left");
    const int32_t right = tree().child(node, "right");
    const std::vector<int32_t> inner = parts(node);
    if (left < 0 || right < 0) return plan_clauses_first(node);
    Tasks round = assignment(left, right);
    if (tree().type(inner.back()) == "block") round.push_back(visit(inner.back()));
    plan(rounds(round));
  }

  void plan_while(int32_t node) {
    Tasks round;
    for (const int32_t child : tree().children(node))
      round.push_back(visit(child));
    plan(rounds(round));
  }

  /// The children in order, but the `for`s of comprehensions first.
  void plan_clauses_first(int32_t node) {
    Tasks first, rest;
    for (const int32_t child : tree().children(node)) {
      (tree().type(child) == "for_in_clause" ? first : rest).push_back(visit(child));
    }
    append(first, rest);
    plan(first);
  }

  /// The right side is visited, then the left side's parts are paired with the right side's by
  /// position where they are equally many, whatever they are.
  Tasks assignment(int32_t left, int32_t right) const {
    std::vector<int32_t> lefts = parts(left), rights = parts(right);
    if (lefts.size() != rights.size() || lefts.empty()) {
      lefts = {left};
      rights = {right};
    }
    Tasks tasks;
    for (const int32_t node : rights)
      tasks.push_back(visit(node));
    for (size_t i = 0; i < lefts.size(); ++i)
      append_assignment(tasks, lefts[i], rights[i], kComputedFrom);
    return tasks;
  }

  /// The children that count; none for a leaf, which a string is.
  std::vector<int32_t> parts(int32_t node) const {
    std::vector<int32_t> parts;
    if (leaves().is_leaf(node)) return parts;
    for (const int32_t child : tree().children(node)) {
      if (tree().type(child) != "," && !leaves().is_left_out(child)) parts.push_back(child);
    }
    return parts;
  }
};

}  // namespace

std::vector<Edge> python_flow(const SyntaxTree& tree, const Leaves& leaves) {
  return PythonFlow(tree, leaves).run();
}

}  // namespace ssmi::code
