#pragma once

#include <cstdint>
#include <vector>

#include "ssmi/code/dataflow.h"
#include "variable_states.h"

namespace ssmi::code {

/// What the data flow of every language has in common: the states of names, the edges, branches,
/// and a stack of what is left to do, newest first, since programs nest as deep as they like. The
/// rules of a language say how a node is visited.
class FlowWalk {
 public:
  FlowWalk(const SyntaxTree& tree, const Leaves& leaves);
  virtual ~FlowWalk() = default;
  FlowWalk(const FlowWalk&) = delete;
  FlowWalk& operator=(const FlowWalk&) = delete;

  /// Visits the root and all that this plans; once.
  std::vector<Edge> run();

 protected:
  enum class Step {
    kVisit,          ///< node
    kUse,            ///< the targets in node are uses
    kLink,           ///< targets in node get edges to the sources in other
    kDefine,         ///< targets in node become their names' sources
    kBeginBranches,  //
    kEndBranch,      //
    kJoin,           ///< node is 1 where one of the branches must run
    kBeginRepeat,    //
    kEndRepeat,      //
  };
  struct Task {
    Step step;
    int32_t node = -1;
    int32_t other = -1;
    int32_t label = 0;
  };
  using Tasks = std::vector<Task>;

  static Task visit(int32_t node) { return {Step::kVisit, node}; }
  static void append(Tasks& tasks, const Tasks& more);
  static void append_assignment(Tasks& tasks, int32_t left, int32_t right, int32_t label);

  /// Plans what visiting a node that is no leaf means.
  virtual void visit_node(int32_t node) = 0;
  virtual bool is_variable(const Leaf& leaf) const;
  /// Whether an unknown name starts at its first use.
  virtual bool starts_at_use(const Leaf& leaf) const { return leaf.type == "identifier"; }
  /// Variables below a node: those an assignment to it sets, and those its value comes from. Every
  /// variable where the rules do not say otherwise.
  virtual std::vector<int32_t> targets(int32_t node) const { return variables(node); }
  virtual std::vector<int32_t> sources(int32_t node) const { return variables(node); }

  /// To be done next, in order.
  void plan(const Tasks& tasks);
  void plan_children(int32_t node);
  /// A loop's rounds: two, so that uses find assignments further down. Inside the second round of
  /// an outer loop one is enough: each name is known by then, the body maps its sources s to K or
  /// K + s for some constant K, and the further round would only give edges that are there
  /// already. This keeps loops nested n deep at n^2 visits instead of 2^n.
  Tasks rounds(const Tasks& round) const;

  bool is_named_leaf(int32_t leaf) const { return names_[static_cast<size_t>(leaf)] >= 0; }
  const SyntaxTree& tree() const { return tree_; }
  const Leaves& leaves() const { return leaves_; }

 private:
  void name_leaves();
  void perform(const Task& task);
  void use(int32_t leaf);
  void link(const Task& task);
  void define(int32_t node);
  void add(Edge edge);
  std::vector<int32_t> variables(int32_t node) const;
  int32_t name_of(int32_t leaf) const { return names_[static_cast<size_t>(leaf)]; }

  const SyntaxTree& tree_;
  const Leaves& leaves_;
  std::vector<int32_t> names_;  // by leaf: number of its text; -1 for no variable
  VariableStates states_{0};
  std::vector<Task> tasks_;
  std::vector<Edge> edges_;
  bool repeating_ = false;
};

/// The rules of docs/parse.md: GraphCodeBERT's for Python, and those of Java and JavaScript.
std::vector<Edge> python_flow(const SyntaxTree& tree, const Leaves& leaves);
std::vector<Edge> brace_flow(const SyntaxTree& tree, const Leaves& leaves);

}  // namespace ssmi::code
