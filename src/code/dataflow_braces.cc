// Java and JavaScript, whose grammars call what they share by the same names.

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>
#include <unordered_map>

#include "assigned_parts.h"
#include "flow_walk.h"

namespace ssmi::code {
namespace {

using Names = std::initializer_list<std::string_view>;

class BraceFlow : public FlowWalk {
 public:
  using FlowWalk::FlowWalk;

 private:
  using Rule = void (BraceFlow::*)(int32_t);
  static const std::unordered_map<std::string_view, Rule>& rules();

  void visit_node(int32_t node) override {
    const auto rule = rules().find(tree().type(node));
    if (rule == rules().end()) return plan_children(node);
    (this->*rule->second)(node);
  }

  bool is_variable(const Leaf& leaf) const override {
    return FlowWalk::is_variable(leaf) && !tree().is(leaf.node, Role::kTypeName) &&
           !names_what_is_built(leaf);
  }
  bool names_what_is_built(const Leaf& leaf) const;
  bool starts_at_use(const Leaf& leaf) const override {
    return leaf.type == "identifier" || leaf.type == "shorthand_property_identifier";
  }
  std::vector<int32_t> targets(int32_t node) const override;
  std::vector<int32_t> sources(int32_t node) const override;

  void skip(int32_t) {}
  void plan_labelled(int32_t node) { plan({visit(tree().children(node).back())}); }
  void plan_named(int32_t node);
  void plan_formal(int32_t node);
  void plan_lambda(int32_t node);
  void plan_parameters(int32_t node);
  void plan_catch(int32_t node);
  void plan_pair(int32_t node);
  void plan_declarator(int32_t node);
  void plan_instanceof(int32_t node);
  void plan_assignment(int32_t node);
  void plan_update(int32_t node);
  void plan_if(int32_t node);
  void plan_binary(int32_t node);
  void plan_for(int32_t node);
  void plan_for_each(int32_t node);
  void plan_while(int32_t node);
  void plan_do(int32_t node);
  void plan_switch(int32_t node);
  void plan_try(int32_t node);

  /// A node that is bound: its reads are visited, its defaults linked, then `value` (or nothing).
  Tasks binding(int32_t node, int32_t value, int32_t label) const;
  Tasks assignment(int32_t left, int32_t right) const;
  /// Tasks that may or may not be done.
  static Tasks optional(const Tasks& tasks);
  void plan_loop(const Tasks& condition, const Tasks& round);
  Tasks matches(int32_t group, int32_t value) const;
  bool has_default(int32_t group) const;
  bool falls_through(int32_t group) const;

  /// The first of the fields that the node has; -1 for none.
  int32_t part(int32_t node, Names fields) const;
  Tasks visits(int32_t node, Names fields) const;
  bool is_of_type(int32_t node, Names types) const {
    return std::ranges::find(types, tree().type(node)) != types.end();
  }
  int32_t end_of(int32_t node) const { return tree().nodes()[static_cast<size_t>(node)].end; }
  /// Children that are neither left out nor commas and brackets; nothing where commas have gaps.
  std::vector<int32_t> elements(int32_t list) const;
};

const std::unordered_map<std::string_view, BraceFlow::Rule>& BraceFlow::rules() {
  using Flow = BraceFlow;
  static const std::unordered_map<std::string_view, Rule> kRules{
      {"package_declaration", &Flow::skip},
      {"import_declaration", &Flow::skip},
      {"annotation", &Flow::skip},
      {"marker_annotation", &Flow::skip},
      {"jsx_closing_element", &Flow::skip},
      {"pattern", &Flow::skip},  // bound where the switch is planned
      {"break_statement", &Flow::skip},
      {"continue_statement", &Flow::skip},
      {"labeled_statement", &Flow::plan_labelled},
      {"class", &Flow::plan_named},
      {"class_declaration", &Flow::plan_named},
      {"interface_declaration", &Flow::plan_named},
      {"enum_declaration", &Flow::plan_named},
      {"enum_constant", &Flow::plan_named},
      {"record_declaration", &Flow::plan_named},
      {"method_declaration", &Flow::plan_named},
      {"constructor_declaration", &Flow::plan_named},
      {"compact_constructor_declaration", &Flow::plan_named},
      {"function_declaration", &Flow::plan_named},
      {"function_expression", &Flow::plan_named},
      {"generator_function", &Flow::plan_named},
      {"generator_function_declaration", &Flow::plan_named},
      {"method_definition", &Flow::plan_named},
      {"formal_parameters", &Flow::plan_parameters},
      {"inferred_parameters", &Flow::plan_parameters},
      {"formal_parameter", &Flow::plan_formal},
      {"catch_formal_parameter", &Flow::plan_formal},
      {"lambda_expression", &Flow::plan_lambda},
      {"arrow_function", &Flow::plan_lambda},
      {"catch_clause", &Flow::plan_catch},
      {"pair", &Flow::plan_pair},
      {"variable_declarator", &Flow::plan_declarator},
      {"resource", &Flow::plan_declarator},
      {"field_definition", &Flow::plan_declarator},
      {"instanceof_expression", &Flow::plan_instanceof},
      {"assignment_expression", &Flow::plan_assignment},
      {"augmented_assignment_expression", &Flow::plan_assignment},
      {"update_expression", &Flow::plan_update},
      {"if_statement", &Flow::plan_if},
      {"ternary_expression", &Flow::plan_if},
      {"binary_expression", &Flow::plan_binary},
      {"for_statement", &Flow::plan_for},
      {"for_in_statement", &Flow::plan_for_each},
      {"enhanced_for_statement", &Flow::plan_for_each},
      {"while_statement", &Flow::plan_while},
      {"do_statement", &Flow::plan_do},
      {"switch_expression", &Flow::plan_switch},
      {"switch_statement", &Flow::plan_switch},
      {"try_statement", &Flow::plan_try},
      {"try_with_resources_statement", &Flow::plan_try},
  };
  return kRules;
}

/// The type of a record pattern, an element that a browser knows, or an attribute's key, which are
/// no variables.
bool BraceFlow::names_what_is_built(const Leaf& leaf) const {
  const int32_t parent = tree().nodes()[static_cast<size_t>(leaf.node)].parent;
  if (parent < 0) return false;
  if (is_of_type(parent, {"record_pattern"})) return true;
  if (is_of_type(parent, {"jsx_attribute"})) return leaf.type == "property_identifier";
  const std::string_view text = tree().text(leaf.begin, leaf.end);
  return is_of_type(parent, {"jsx_opening_element", "jsx_self_closing_element"}) &&
         text.front() >= 'a' && text.front() <= 'z';
}

std::vector<int32_t> BraceFlow::targets(int32_t node) const {
  std::vector<int32_t> targets = assigned_parts(tree(), leaves(), node).targets;
  std::erase_if(targets, [&](int32_t leaf) { return !is_named_leaf(leaf); });
  return targets;
}

/// What is inside a function or class does not make its value; nor do the keys of an object.
std::vector<int32_t> BraceFlow::sources(int32_t node) const {
  std::vector<int32_t> found;
  for (int32_t n = node; n < end_of(node);) {
    if (is_of_type(
            n, {"lambda_expression", "arrow_function", "function_expression", "generator_function",
                "method_definition", "class", "class_body", "jsx_closing_element"})) {
      n = end_of(n);
    } else if (tree().type(n) == "pair") {
      const int32_t key = tree().child(n, "key");
      const bool computed = key >= 0 && tree().type(key) == "computed_property_name";
      n = key < 0 || computed ? n + 1 : end_of(key);
    } else if (leaves().is_leaf(n)) {
      if (is_named_leaf(leaves().first(n))) found.push_back(leaves().first(n));
      n = end_of(n);
    } else {
      ++n;
    }
  }
  return found;
}

int32_t BraceFlow::part(int32_t node, Names fields) const {
  for (const std::string_view field : fields) {
    const int32_t child = tree().child(node, field);
    if (child >= 0) return child;
  }
  return -1;
}

FlowWalk::Tasks BraceFlow::visits(int32_t node, Names fields) const {
  Tasks tasks;
  for (const std::string_view name : fields) {
    const uint16_t field = tree().language().field(name);
    for (const int32_t child : tree().children(node)) {
      if (field != 0 && tree().nodes()[static_cast<size_t>(child)].field == field) {
        tasks.push_back(visit(child));
      }
    }
  }
  return tasks;
}

FlowWalk::Tasks BraceFlow::binding(int32_t node, int32_t value, int32_t label) const {
  Tasks tasks;
  const AssignedParts parts = assigned_parts(tree(), leaves(), node);
  for (const int32_t use : parts.uses)
    tasks.push_back(visit(use));
  for (const auto& [left, right] : parts.defaults)
    tasks.push_back({Step::kLink, left, right, kComesFrom});
  if (value >= 0) tasks.push_back({Step::kLink, node, value, label});
  tasks.push_back({Step::kDefine, node});
  return tasks;
}

FlowWalk::Tasks BraceFlow::optional(const Tasks& tasks) {
  Tasks all{{Step::kBeginBranches}};
  append(all, tasks);
  append(all, {{Step::kEndBranch}, {Step::kJoin, 0}});
  return all;
}

void BraceFlow::plan_named(int32_t node) {
  Tasks tasks;
  const int32_t name = tree().child(node, "name");
  for (const int32_t child : tree().children(node)) {
    if (child == name && leaves().is_leaf(name)) {
      tasks.push_back({Step::kDefine, name});
    } else {
      tasks.push_back(visit(child));
    }
  }
  plan(tasks);
}

void BraceFlow::plan_formal(int32_t node) {
  const int32_t name = tree().child(node, "name");
  if (name >= 0) plan(binding(name, -1, 0));
}

void BraceFlow::plan_lambda(int32_t node) {
  const int32_t parameter = part(node, {"parameter", "parameters"});
  Tasks tasks;
  for (const int32_t child : tree().children(node)) {
    if (child == parameter && leaves().is_leaf(child)) {
      tasks.push_back({Step::kDefine, child});
    } else {
      tasks.push_back(visit(child));
    }
  }
  plan(tasks);
}

void BraceFlow::plan_parameters(int32_t node) {
  Tasks tasks;
  for (const int32_t child : tree().children(node)) {
    if (is_of_type(child, {"formal_parameter", "spread_parameter", "receiver_parameter"})) {
      tasks.push_back(visit(child));
    } else if (!leaves().is_left_out(child)) {
      append(tasks, binding(child, -1, 0));
    }
  }
  plan(tasks);
}

void BraceFlow::plan_catch(int32_t node) {
  const int32_t parameter = tree().child(node, "parameter");
  if (parameter < 0) return plan_children(node);
  Tasks tasks = binding(parameter, -1, 0);
  append(tasks, visits(node, {"body"}));
  plan(tasks);
}

void BraceFlow::plan_pair(int32_t node) {
  const int32_t key = tree().child(node, "key");
  if (key < 0 || tree().type(key) == "computed_property_name") return plan_children(node);
  plan(visits(node, {"value"}));
}

void BraceFlow::plan_declarator(int32_t node) {
  const int32_t name = part(node, {"name", "property"});
  const int32_t value = tree().child(node, "value");
  if (name < 0) return plan_children(node);  // a resource that is only named
  Tasks tasks = visits(node, {"value"});
  append(tasks, binding(name, value, kComesFrom));
  plan(tasks);
}

void BraceFlow::plan_instanceof(int32_t node) {
  const int32_t left = tree().child(node, "left");
  const int32_t name = part(node, {"name", "pattern"});
  if (left < 0 || name < 0) return plan_children(node);
  Tasks tasks{visit(left)};
  append(tasks, binding(name, left, kComesFrom));
  plan(tasks);
}

std::vector<int32_t> BraceFlow::elements(int32_t list) const {
  std::vector<int32_t> elements;
  size_t commas = 0;
  for (const int32_t child : tree().children(list)) {
    if (tree().type(child) == ",") ++commas;
    if (is_of_type(child, {"[", "]", ","}) || leaves().is_left_out(child)) continue;
    if (is_of_type(child, {"rest_pattern", "spread_element"})) return {};
    elements.push_back(child);
  }
  return elements.size() == commas + 1 ? elements : std::vector<int32_t>();
}

/// `[a, b] = [c, d]` is paired by position.
FlowWalk::Tasks BraceFlow::assignment(int32_t left, int32_t right) const {
  Tasks tasks{visit(right)};
  std::vector<int32_t> lefts, rights;
  if (tree().type(left) == "array_pattern" && tree().type(right) == "array") {
    lefts = elements(left);
    rights = elements(right);
  }
  if (lefts.size() != rights.size() || lefts.empty()) {
    append(tasks, binding(left, right, kComputedFrom));
    return tasks;
  }
  for (size_t i = 0; i < lefts.size(); ++i)
    append(tasks, binding(lefts[i], rights[i], kComputedFrom));
  return tasks;
}

void BraceFlow::plan_assignment(int32_t node) {
  const int32_t left = tree().child(node, "left");
  const int32_t right = tree().child(node, "right");
  if (left < 0 || right < 0) return plan_children(node);
  const int32_t sign = tree().child(node, "operator");
  if (sign < 0 || tree().type(sign) == "=") return plan(assignment(left, right));
  Tasks tasks{visit(right), {Step::kUse, left}};
  append(tasks, binding(left, right, kComputedFrom));
  plan(tasks);
}

void BraceFlow::plan_update(int32_t node) {
  Tasks tasks;
  for (const int32_t child : tree().children(node)) {
    if (is_of_type(child, {"++", "--"}) || leaves().is_left_out(child)) continue;
    tasks.push_back({Step::kUse, child});
    append(tasks, binding(child, -1, 0));
  }
  plan(tasks);
}

void BraceFlow::plan_if(int32_t node) {
  const int32_t alternative = tree().child(node, "alternative");
  Tasks tasks = visits(node, {"condition"});
  tasks.push_back({Step::kBeginBranches});
  append(tasks, visits(node, {"consequence"}));
  tasks.push_back({Step::kEndBranch});
  if (alternative >= 0) append(tasks, {visit(alternative), {Step::kEndBranch}});
  tasks.push_back({Step::kJoin, alternative >= 0 ? 1 : 0});
  plan(tasks);
}

void BraceFlow::plan_binary(int32_t node) {
  const int32_t sign = tree().child(node, "operator");
  if (sign < 0 || !is_of_type(sign, {"&&", "||", "??"})) return plan_children(node);
  Tasks tasks = visits(node, {"left"});
  append(tasks, optional(visits(node, {"right"})));
  plan(tasks);
}

/// The condition is looked at before each round, and there may be none.
void BraceFlow::plan_loop(const Tasks& condition, const Tasks& round) {
  Tasks whole = round;
  append(whole, condition);
  Tasks tasks = condition;
  append(tasks, optional(rounds(whole)));
  plan(tasks);
}

void BraceFlow::plan_for(int32_t node) {
  plan_loop(visits(node, {"condition"}), visits(node, {"body", "update", "increment"}));
  plan(visits(node, {"init", "initializer"}));  // before the loop
}

void BraceFlow::plan_for_each(int32_t node) {
  const int32_t left = part(node, {"left", "name"});
  const int32_t right = part(node, {"right", "value"});
  if (left < 0 || right < 0) return plan_children(node);
  Tasks round = binding(left, right, kComputedFrom);
  append(round, visits(node, {"body"}));
  Tasks tasks{visit(right)};
  append(tasks, optional(rounds(round)));
  plan(tasks);
}

void BraceFlow::plan_while(int32_t node) {
  plan_loop(visits(node, {"condition"}), visits(node, {"body"}));
}

void BraceFlow::plan_do(int32_t node) {
  Tasks round = visits(node, {"body"});
  append(round, visits(node, {"condition"}));
  plan(rounds(round));
}

bool BraceFlow::has_default(int32_t group) const {
  if (tree().type(group) == "switch_default") return true;
  for (const int32_t label : tree().children(group)) {
    if (tree().type(label) != "switch_label") continue;
    for (const int32_t word : tree().children(label)) {
      if (tree().type(word) == "default") return true;
    }
  }
  return false;
}

bool BraceFlow::falls_through(int32_t group) const {
  int32_t last = group;
  while (is_of_type(last, {"switch_block_statement_group", "switch_case", "switch_default", "block",
                           "statement_block"})) {
    int32_t inner = -1;
    for (const int32_t child : tree().children(last)) {
      if (!leaves().is_left_out(child) && !is_of_type(child, {"{", "}", ";"})) inner = child;
    }
    if (inner < 0) return true;
    last = inner;
  }
  return !is_of_type(last, {"break_statement", "return_statement", "throw_statement",
                            "continue_statement", "yield_statement", "switch_rule"});
}

/// What the patterns of a group's labels bind to parts of the value.
FlowWalk::Tasks BraceFlow::matches(int32_t group, int32_t value) const {
  Tasks tasks;
  for (const int32_t label : tree().children(group)) {
    if (tree().type(label) != "switch_label") continue;
    for (const int32_t pattern : tree().children(label)) {
      if (tree().type(pattern) == "pattern") append(tasks, binding(pattern, value, kComesFrom));
    }
  }
  return tasks;
}

/// Each group of cases is a branch. One that falls through into the next may have run before it.
void BraceFlow::plan_switch(int32_t node) {
  const int32_t body = tree().child(node, "body");
  const int32_t value = part(node, {"condition", "value"});
  if (body < 0 || value < 0) return plan_children(node);
  std::vector<int32_t> groups;
  bool exhaustive = false;
  for (const int32_t child : tree().children(body)) {
    if (leaves().is_left_out(child) || is_of_type(child, {"{", "}"})) continue;
    groups.push_back(child);
    exhaustive = exhaustive || has_default(child);
  }
  Tasks tasks{visit(value)};
  tasks.push_back({Step::kBeginBranches});
  for (const int32_t group : groups) {
    Tasks branch = matches(group, value);
    branch.push_back(visit(group));
    if (group != groups.back() && falls_through(group)) {
      append(tasks, optional(branch));
    } else {
      append(tasks, branch);
      tasks.push_back({Step::kEndBranch});
    }
  }
  tasks.push_back({Step::kJoin, exhaustive ? 1 : 0});
  plan(tasks);
}

/// The body may end anywhere, so that what stood before it stays beside what it leaves.
void BraceFlow::plan_try(int32_t node) {
  Tasks tasks, body, catches, last;
  for (const int32_t child : tree().children(node)) {
    if (child == tree().child(node, "body")) {
      body.push_back(visit(child));
    } else if (tree().type(child) == "catch_clause") {
      append(catches, {visit(child), {Step::kEndBranch}});
    } else {
      (body.empty() ? tasks : last).push_back(visit(child));
    }
  }
  if (catches.empty()) {
    append(tasks, body);
  } else {
    append(tasks, optional(body));
    tasks.push_back({Step::kBeginBranches});
    append(tasks, catches);
    tasks.push_back({Step::kJoin, 0});
  }
  append(tasks, last);
  plan(tasks);
}

}  // namespace

std::vector<Edge> brace_flow(const SyntaxTree& tree, const Leaves& leaves) {
  return BraceFlow(tree, leaves).run();
}

}  // namespace ssmi::code
