#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "name_rules.h"
#include "ssmi/code/dataflow.h"

namespace ssmi::code {
namespace {

/// Nodes that have names of their own. A name that is bound in two of them is two variables, which
/// the data flow, whose names are texts, takes for one.
constexpr std::array kScopes{std::string_view("function_definition"),
                             std::string_view("class_definition"),
                             std::string_view("lambda"),
                             std::string_view("list_comprehension"),
                             std::string_view("set_comprehension"),
                             std::string_view("dictionary_comprehension"),
                             std::string_view("generator_expression"),
                             std::string_view("method_declaration"),
                             std::string_view("constructor_declaration"),
                             std::string_view("lambda_expression"),
                             std::string_view("class_body"),
                             std::string_view("function_declaration"),
                             std::string_view("function_expression"),
                             std::string_view("arrow_function"),
                             std::string_view("method_definition"),
                             std::string_view("generator_function"),
                             std::string_view("generator_function_declaration")};

class Definitions {
 public:
  Definitions(const SyntaxTree& tree, const Leaves& leaves)
      : tree_(tree), leaves_(leaves), roles_(name_roles(tree, leaves)) {
    for (const Edge& edge : data_flow(tree, leaves)) {
      const bool is_of_name = edge.label == kComesFrom && text(edge.from) == text(edge.to);
      if (is_of_name && edge.from != edge.to) sources_[edge.from].insert(edge.to);
    }
    for (int32_t leaf = 0; leaf < leaves.size(); ++leaf) {
      if (is_binding(leaf)) places_[text(leaf)].push_back(leaf);
    }
    std::erase_if(places_, [&](const auto& entry) { return !is_one_variable(entry.second); });
  }

  std::vector<Edge> edges() const {
    std::vector<Edge> edges;
    for (int32_t use = 0; use < leaves_.size(); ++use) {
      const auto places = places_.find(text(use));
      if (places == places_.end() || !is_known_use(use)) continue;
      if (!lies_in(use, scope_of(places->second.front()))) continue;
      for (const int32_t place : places->second) {
        if (place > use) break;
        if (sources_.at(use).contains(place)) {
          edges.push_back({use, place, kComesFrom});
        } else if (!may_reach(use)) {
          edges.push_back({use, place, 0});
        }
      }
    }
    return edges;
  }

 private:
  std::string_view text(int32_t leaf) const {
    return tree_.text(leaves_[leaf].begin, leaves_[leaf].end);
  }
  const Node& node(int32_t n) const { return tree_.nodes()[static_cast<size_t>(n)]; }
  std::optional<NameRole> role(int32_t leaf) const { return roles_[static_cast<size_t>(leaf)]; }
  bool is_binding(int32_t leaf) const {
    return role(leaf) == NameRole::kDefinition || role(leaf) == NameRole::kParameter;
  }

  /// All bound in one scope, each place seen as a binding by the data flow, which takes those it
  /// has no rule for (`with ... as x`) for uses of what was bound before.
  bool is_one_variable(const std::vector<int32_t>& places) const {
    return std::ranges::all_of(places, [&](int32_t place) {
      return !sources_.contains(place) && scope_of(place) == scope_of(places.front());
    });
  }

  bool lies_in(int32_t leaf, int32_t n) const {
    return leaves_[leaf].node >= n && leaves_[leaf].node < node(n).end;
  }

  /// The innermost node that has it as a name of its own; the root where none has.
  int32_t scope_of(int32_t leaf) const {
    const int32_t own = leaves_[leaf].node;
    for (int32_t n = node(own).parent; n >= 0; n = node(n).parent) {
      const bool is_scope = std::ranges::find(kScopes, tree_.type(n)) != kScopes.end();
      if (is_scope && !(is_under(tree_, own, "name") && node(own).parent == n)) return n;
    }
    return 0;
  }

  /// A use, nothing looked up in another value, whose value comes from bindings alone.
  bool is_known_use(int32_t leaf) const {
    const bool is_called =
        role(leaf) == NameRole::kCall && (is_under(tree_, leaves_[leaf].node, "function") ||
                                          is_under(tree_, leaves_[leaf].node, "constructor"));
    const auto found = sources_.find(leaf);
    return (role(leaf) == NameRole::kUse || is_called) && found != sources_.end() &&
           std::ranges::all_of(found->second, [&](int32_t source) { return is_binding(source); });
  }

  /// Whether other values than those of the use's sources may come to it: Python's data flow takes
  /// it that loops run and that a `try` runs from end to end.
  bool may_reach(int32_t use) const {
    if (tree_.language().flow_rules() != FlowRules::kPython) return false;
    return std::ranges::any_of(sources_.at(use), [&](int32_t source) {
      for (int32_t n = node(leaves_[source].node).parent; n >= 0; n = node(n).parent) {
        const std::string_view type = tree_.type(n);
        if (type == "try_statement") return true;
        if ((type == "for_statement" || type == "while_statement") && !lies_in(use, n)) return true;
      }
      return false;
    });
  }

  const SyntaxTree& tree_;
  const Leaves& leaves_;
  NameRoles roles_;
  std::map<int32_t, std::set<int32_t>> sources_;             // same name, others than itself
  std::map<std::string_view, std::vector<int32_t>> places_;  // that bind it, in order
};

}  // namespace

std::vector<Edge> definitions(const SyntaxTree& tree, const Leaves& leaves) {
  return Definitions(tree, leaves).edges();
}

}  // namespace ssmi::code
