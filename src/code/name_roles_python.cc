#include <algorithm>
#include <array>

#include "name_rules.h"
#include "ssmi/code/bindings.h"

namespace ssmi::code {
namespace {

using Role = std::optional<NameRole>;

class PythonRoles {
 public:
  explicit PythonRoles(const SyntaxTree& tree) : tree_(tree) {}

  Role role(int32_t n) const {
    switch (binding_of(tree_, n)) {
      case Binding::kParameter:
        return NameRole::kParameter;
      case Binding::kName:
        return NameRole::kDefinition;
      case Binding::kNone:
        break;
    }
    const int32_t parent = parent_of(n);
    const std::string_view type = tree_.type(parent);
    if (is_called(n)) return NameRole::kCall;
    if (type == "attribute" && is_under(tree_, n, "attribute")) {
      return is_called(parent) ? NameRole::kCall : NameRole::kAttribute;
    }
    if (type == "dotted_name") return role_in_dotted_name(n, parent);
    if (type == "aliased_import" || type == "splat_pattern") return NameRole::kDefinition;
    if (type == "as_pattern") return role_in_as_pattern(n, parent);
    return names_another(n, type) ? Role() : NameRole::kUse;
  }

 private:
  int32_t parent_of(int32_t n) const { return tree_.nodes()[static_cast<size_t>(n)].parent; }
  bool is_called(int32_t n) const {
    return tree_.type(parent_of(n)) == "call" && is_under(tree_, n, "function");
  }

  /// `import a.b` binds a, `from m import x` x; `case x` binds x, `case a.b` looks b up.
  Role role_in_dotted_name(int32_t n, int32_t dotted) const {
    const int32_t owner = parent_of(dotted);
    const std::string_view type = tree_.type(owner);
    const bool is_first = n == dotted + 1;
    const bool is_alone = is_first && tree_.children(dotted).size() == 1;
    if (type == "import_statement") return is_first ? NameRole::kDefinition : Role();
    if (type == "import_from_statement" || type == "future_import_statement") {
      return is_under(tree_, dotted, "name") ? NameRole::kDefinition : Role();
    }
    if (type == "aliased_import" || type == "relative_import") return Role();
    const bool is_pattern = type == "case_pattern" || type == "keyword_pattern";
    if (is_pattern && is_alone) return NameRole::kDefinition;
    return is_first ? NameRole::kUse : NameRole::kAttribute;
  }

  /// The name behind `as` of a case; elsewhere it stands in a target of its own.
  Role role_in_as_pattern(int32_t n, int32_t pattern) const {
    return tree_.children(pattern).back() == n ? NameRole::kDefinition : NameRole::kUse;
  }

  bool names_another(int32_t n, std::string_view parent) const {
    return (parent == "keyword_argument" && is_under(tree_, n, "name")) ||
           (parent == "keyword_pattern" && parent_of(n) + 1 == n) || parent == "global_statement" ||
           parent == "nonlocal_statement";
  }

  const SyntaxTree& tree_;
};

}  // namespace

NameRoles python_name_roles(const SyntaxTree& tree, const Leaves& leaves) {
  const PythonRoles rules(tree);
  NameRoles roles;
  for (const Leaf& leaf : leaves.all()) {
    const bool is_name = leaf.type == "identifier" && leaf.node > 0;
    roles.push_back(is_name ? rules.role(leaf.node) : std::nullopt);
  }
  return roles;
}

}  // namespace ssmi::code
