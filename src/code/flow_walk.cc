#include "flow_walk.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "ssmi/core/error.h"

namespace ssmi::code {
namespace {

constexpr uint64_t kMaxWork = 1'000'000'000;
constexpr uint64_t kMaxSteps = 50'000'000;

}  // namespace

FlowWalk::FlowWalk(const SyntaxTree& tree, const Leaves& leaves) : tree_(tree), leaves_(leaves) {}

std::vector<Edge> FlowWalk::run() {
  name_leaves();
  tasks_.push_back(visit(0));
  for (uint64_t steps = 0; !tasks_.empty(); ++steps) {
    const Task task = tasks_.back();
    tasks_.pop_back();
    perform(task);
    if (steps > kMaxSteps || states_.written() > kMaxWork) {
      bad_input("data flow takes more than {} steps: give it in smaller pieces",
                steps > kMaxSteps ? kMaxSteps : kMaxWork);
    }
  }
  std::sort(edges_.begin(), edges_.end());
  edges_.erase(std::unique(edges_.begin(), edges_.end()), edges_.end());
  return std::move(edges_);
}

void FlowWalk::name_leaves() {
  std::unordered_map<std::string_view, int32_t> known;
  for (const Leaf& leaf : leaves_.all()) {
    const auto next = static_cast<int32_t>(known.size());
    names_.push_back(is_variable(leaf)
                         ? known.emplace(tree_.text(leaf.begin, leaf.end), next).first->second
                         : -1);
  }
  states_ = VariableStates(known.size());
}

void FlowWalk::append(Tasks& tasks, const Tasks& more) {
  tasks.insert(tasks.end(), more.begin(), more.end());
}

void FlowWalk::append_assignment(Tasks& tasks, int32_t left, int32_t right, int32_t label) {
  tasks.push_back({Step::kLink, left, right, label});
  tasks.push_back({Step::kDefine, left});
}

bool FlowWalk::is_variable(const Leaf& leaf) const {
  return code::is_variable(tree_, leaf);
}

std::vector<int32_t> FlowWalk::variables(int32_t node) const {
  std::vector<int32_t> found;
  for (int32_t leaf = leaves_.first(node); leaf < leaves_.last(node); ++leaf) {
    if (is_named_leaf(leaf)) found.push_back(leaf);
  }
  return found;
}

void FlowWalk::plan(const Tasks& tasks) {
  tasks_.insert(tasks_.end(), tasks.rbegin(), tasks.rend());
}

void FlowWalk::plan_children(int32_t node) {
  Tasks tasks;
  for (const int32_t child : tree_.children(node))
    tasks.push_back(visit(child));
  plan(tasks);
}

FlowWalk::Tasks FlowWalk::rounds(const Tasks& round) const {
  if (repeating_) return round;
  Tasks tasks = round;
  tasks.push_back({Step::kBeginRepeat});
  append(tasks, round);
  tasks.push_back({Step::kEndRepeat});
  return tasks;
}

void FlowWalk::perform(const Task& task) {
  switch (task.step) {
    case Step::kVisit:
      if (leaves_.is_left_out(task.node)) return;
      if (leaves_.is_leaf(task.node)) return use(leaves_.first(task.node));
      return visit_node(task.node);
    case Step::kUse:
      for (const int32_t leaf : targets(task.node))
        use(leaf);
      return;
    case Step::kLink:
      return link(task);
    case Step::kDefine:
      return define(task.node);
    case Step::kBeginBranches:
      return states_.begin_branches();
    case Step::kEndBranch:
      return states_.end_branch();
    case Step::kJoin:
      return states_.join(task.node == 1);
    case Step::kBeginRepeat:
      repeating_ = true;
      return;
    case Step::kEndRepeat:
      repeating_ = false;
      return;
  }
}

void FlowWalk::use(int32_t leaf) {
  const int32_t name = name_of(leaf);
  if (name < 0) return;
  for (const int32_t source : states_.of(name))
    add({leaf, source, kComesFrom});
  if (states_.of(name).empty() && starts_at_use(leaves_[leaf])) states_.set(name, {leaf});
}

void FlowWalk::link(const Task& task) {
  const auto from = sources(task.other);
  for (const int32_t target : targets(task.node)) {
    for (const int32_t source : from)
      add({target, source, task.label});
  }
}

void FlowWalk::define(int32_t node) {
  for (const int32_t target : targets(node))
    states_.set(name_of(target), {target});
}

void FlowWalk::add(Edge edge) {
  if (edges_.size() >= kMaxEdges) {
    bad_input("more than {} dfg edges: give it in smaller pieces", kMaxEdges);
  }
  edges_.push_back(edge);
}

}  // namespace ssmi::code
