#include "ssmi/code/dataflow.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "ssmi/core/error.h"
#include "variable_states.h"

namespace ssmi::code {
namespace {

/// What is left to do, newest first: an explicit stack, since programs nest as deep as they like.
enum class Step {
  kVisit,        ///< node
  kAssign,       ///< left node, right node
  kDefault,      ///< name node, value node
  kBeginIf,      //
  kEndBranch,    //
  kEndIf,        ///< 1 where there is an else
  kBeginRepeat,  //
  kEndRepeat,    //
};

struct Task {
  Step step;
  int32_t node = -1;
  int32_t other = -1;
};

constexpr uint64_t kMaxWork = 1'000'000'000;

class Extractor {
 public:
  Extractor(const SyntaxTree& tree, const Leaves& leaves)
      : tree_(tree), leaves_(leaves), names_(name_leaves()), states_(name_count_) {}

  std::vector<Edge> run() {
    tasks_.push_back({Step::kVisit, 0});
    while (!tasks_.empty()) {
      const Task task = tasks_.back();
      tasks_.pop_back();
      perform(task);
      if (states_.written() > kMaxWork) {
        bad_input("data flow takes more than {} steps: give it in smaller pieces", kMaxWork);
      }
    }
    std::sort(edges_.begin(), edges_.end());
    edges_.erase(std::unique(edges_.begin(), edges_.end()), edges_.end());
    return std::move(edges_);
  }

 private:
  /// By leaf: the number of its text among the texts of variables; -1 for no variable.
  std::vector<int32_t> name_leaves() {
    std::unordered_map<std::string_view, int32_t> known;
    std::vector<int32_t> names;
    for (const Leaf& leaf : leaves_.all()) {
      const auto next = static_cast<int32_t>(known.size());
      names.push_back(is_variable(tree_, leaf)
                          ? known.emplace(tree_.text(leaf.begin, leaf.end), next).first->second
                          : -1);
    }
    name_count_ = known.size();
    return names;
  }

  int32_t name_of(int32_t leaf) const { return names_[static_cast<size_t>(leaf)]; }

  void perform(const Task& task) {
    switch (task.step) {
      case Step::kVisit:
        return visit(task.node);
      case Step::kAssign:
        return assign(task.node, task.other, kComputedFrom);
      case Step::kDefault:
        return assign(task.node, task.other, kComesFrom);
      case Step::kBeginIf:
        return states_.begin_branches();
      case Step::kEndBranch:
        return states_.end_branch();
      case Step::kEndIf:
        return states_.join(task.node == 1);
      case Step::kBeginRepeat:
        repeating_ = true;
        return;
      case Step::kEndRepeat:
        repeating_ = false;
        return;
    }
  }

  void plan(const std::vector<Task>& tasks) {
    tasks_.insert(tasks_.end(), tasks.rbegin(), tasks.rend());
  }

  void visit(int32_t node) {
    if (leaves_.is_left_out(node)) return;
    if (leaves_.is_leaf(node)) return use(leaves_.first(node));
    const std::string_view type = tree_.type(node);
    if (type == "default_parameter") return plan_default(node);
    if (type == "assignment" || type == "augmented_assignment") return plan_assignment(node);
    if (type == "for_in_clause") return plan_comprehension(node);
    if (type == "if_statement") return plan_if(node);
    if (type == "for_statement") return plan_for(node);
    if (type == "while_statement") return plan_while(node);
    plan_children(node);
  }

  void use(int32_t leaf) {
    const int32_t name = name_of(leaf);
    if (name < 0) return;
    for (const int32_t source : states_.of(name))
      add({leaf, source, kComesFrom});
    if (states_.of(name).empty() && leaves_[leaf].type == "identifier") states_.set(name, {leaf});
  }

  /// Every variable on the left gets an edge to every variable on the right, and is its own
  /// source from here on.
  void assign(int32_t left, int32_t right, int32_t label) {
    for (int32_t target = leaves_.first(left); target < leaves_.last(left); ++target) {
      if (name_of(target) < 0) continue;
      for (int32_t source = leaves_.first(right); source < leaves_.last(right); ++source) {
        if (name_of(source) >= 0) add({target, source, label});
      }
      states_.set(name_of(target), {target});
    }
  }

  void add(Edge edge) {
    if (edges_.size() >= kMaxEdges) {
      bad_input("more than {} dfg edges: give it in smaller pieces", kMaxEdges);
    }
    edges_.push_back(edge);
  }

  void plan_default(int32_t node) {
    const int32_t name = tree_.child(node, "name");
    const int32_t value = tree_.child(node, "value");
    if (name < 0 || value < 0) return plan_children(node);
    plan({{Step::kVisit, value}, {Step::kDefault, name, value}});
  }

  void plan_assignment(int32_t node) {
    const int32_t left = tree_.child(node, "left");
    const int32_t right = tree_.child(node, "right");
    if (left >= 0 && right >= 0) plan(assignment(left, right));
  }

  void plan_comprehension(int32_t node) {
    const int32_t left = tree_.child(node, "left");
    const int32_t right = tree_.children(node).back();
    if (left < 0) return plan_children(node);
    plan({{Step::kVisit, right}, {Step::kAssign, left, right}});
  }

  void plan_if(int32_t node) {
    std::vector<Task> tasks{{Step::kBeginIf}};
    bool has_else = false;
    for (const int32_t child : tree_.children(node)) {
      const std::string_view type = tree_.type(child);
      if (type == "elif_clause" || type == "else_clause") tasks.push_back({Step::kEndBranch});
      if (type == "else_clause") has_else = true;
      tasks.push_back({Step::kVisit, child});
    }
    tasks.push_back({Step::kEndBranch});
    tasks.push_back({Step::kEndIf, has_else ? 1 : 0});
    plan(tasks);
  }

  void plan_for(int32_t node) {
    const int32_t left = tree_.child(node, "left");
    const int32_t right = tree_.child(node, "right");
    const std::vector<int32_t> inner = parts(node);
    if (left < 0 || right < 0) return plan_children(node);
    std::vector<Task> round = assignment(left, right);
    if (tree_.type(inner.back()) == "block") round.push_back({Step::kVisit, inner.back()});
    plan_loop(round);
  }

  void plan_while(int32_t node) {
    std::vector<Task> round;
    for (const int32_t child : tree_.children(node))
      round.push_back({Step::kVisit, child});
    plan_loop(round);
  }

  /// Two rounds, so that uses find assignments further down. Inside the second round of an outer
  /// loop one is enough: each name is known by then, the body maps its sources s to K or K + s for
  /// some constant K, and the further round would only give edges that are there already. This
  /// keeps loops nested n deep at n^2 visits instead of 2^n.
  void plan_loop(const std::vector<Task>& round) {
    if (repeating_) return plan(round);
    std::vector<Task> tasks = round;
    tasks.push_back({Step::kBeginRepeat});
    tasks.insert(tasks.end(), round.begin(), round.end());
    tasks.push_back({Step::kEndRepeat});
    plan(tasks);
  }

  void plan_children(int32_t node) {
    std::vector<Task> first, rest;
    for (const int32_t child : tree_.children(node)) {
      (tree_.type(child) == "for_in_clause" ? first : rest).push_back({Step::kVisit, child});
    }
    first.insert(first.end(), rest.begin(), rest.end());
    plan(first);
  }

  /// The right side is visited, then the left side's parts are paired with the right side's by
  /// position where they are equally many, whatever they are.
  std::vector<Task> assignment(int32_t left, int32_t right) const {
    std::vector<int32_t> lefts = parts(left), rights = parts(right);
    if (lefts.size() != rights.size() || lefts.empty()) {
      lefts = {left};
      rights = {right};
    }
    std::vector<Task> tasks;
    for (const int32_t node : rights)
      tasks.push_back({Step::kVisit, node});
    for (size_t i = 0; i < lefts.size(); ++i) {
      tasks.push_back({Step::kAssign, lefts[i], rights[i]});
    }
    return tasks;
  }

  /// The children that count; none for a leaf, which a string is.
  std::vector<int32_t> parts(int32_t node) const {
    std::vector<int32_t> parts;
    if (leaves_.is_leaf(node)) return parts;
    for (const int32_t child : tree_.children(node)) {
      if (tree_.type(child) != "," && !leaves_.is_left_out(child)) parts.push_back(child);
    }
    return parts;
  }

  const SyntaxTree& tree_;
  const Leaves& leaves_;
  size_t name_count_ = 0;
  std::vector<int32_t> names_;
  VariableStates states_;
  std::vector<Task> tasks_;
  std::vector<Edge> edges_;
  bool repeating_ = false;
};

}  // namespace

void require_data_flow(const Language& language) {
  if (language.flow_rules() != FlowRules::kNone) return;
  std::string known;
  for (const Language* other : Language::all()) {
    if (other->flow_rules() == FlowRules::kNone) continue;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", other->name());
  }
  fail(ExitCode::kMismatch, "data flow (dfg) is known for {}, not for {}: ask for other relations",
       known, language.name());
}

std::vector<Edge> data_flow(const SyntaxTree& tree, const Leaves& leaves) {
  require_data_flow(tree.language());
  return Extractor(tree, leaves).run();
}

}  // namespace ssmi::code
