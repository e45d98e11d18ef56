// Java and JavaScript, whose grammars call what they share by the same names.

#include <algorithm>
#include <array>

#include "assigned_parts.h"
#include "name_rules.h"

namespace ssmi::code {
namespace {

/// Children under a field; all of them where it is empty.
struct Place {
  std::string_view parent, field;
  auto operator<=>(const Place&) const = default;
};

constexpr std::array kParameters{
    Place{"formal_parameter", "name"},    Place{"formal_parameters", ""},
    Place{"inferred_parameters", ""},     Place{"lambda_expression", "parameters"},
    Place{"arrow_function", "parameter"},
};

constexpr std::array kDefinitions{
    Place{"variable_declarator", "name"},
    Place{"field_definition", "property"},
    Place{"resource", "name"},
    Place{"enhanced_for_statement", "name"},
    Place{"for_in_statement", "left"},
    Place{"catch_formal_parameter", "name"},
    Place{"catch_clause", "parameter"},
    Place{"assignment_expression", "left"},
    Place{"augmented_assignment_expression", "left"},
    Place{"update_expression", ""},
    Place{"instanceof_expression", "name"},
    Place{"instanceof_expression", "pattern"},
    Place{"switch_label", ""},
    Place{"class", "name"},
    Place{"class_declaration", "name"},
    Place{"interface_declaration", "name"},
    Place{"enum_declaration", "name"},
    Place{"enum_constant", "name"},
    Place{"record_declaration", "name"},
    Place{"method_declaration", "name"},
    Place{"constructor_declaration", "name"},
    Place{"compact_constructor_declaration", "name"},
    Place{"function_declaration", "name"},
    Place{"function_expression", "name"},
    Place{"generator_function", "name"},
    Place{"generator_function_declaration", "name"},
    Place{"method_definition", "name"},
};

constexpr std::array kAttributes{
    Place{"member_expression", "property"},
    Place{"field_access", "field"},
};

constexpr std::array kCalls{
    Place{"call_expression", "function"},
    Place{"new_expression", "constructor"},
    Place{"method_invocation", "name"},
};

/// Names of labels, keys, modules, annotations and attributes of elements.
constexpr std::array kOfOthers{
    Place{"pair", "key"},
    Place{"pair_pattern", "key"},
    Place{"labeled_statement", ""},
    Place{"break_statement", ""},
    Place{"continue_statement", ""},
    Place{"annotation", "name"},
    Place{"marker_annotation", "name"},
    Place{"element_value_pair", "key"},
    Place{"scoped_identifier", ""},
    Place{"import_declaration", ""},
    Place{"package_declaration", ""},
    Place{"jsx_attribute", ""},
    Place{"record_pattern", ""},
    Place{"meta_property", ""},
};

constexpr std::array kNames{
    std::string_view("identifier"),
    std::string_view("property_identifier"),
    std::string_view("private_property_identifier"),
    std::string_view("shorthand_property_identifier"),
    std::string_view("shorthand_property_identifier_pattern"),
};

class BraceRoles {
 public:
  BraceRoles(const SyntaxTree& tree, const Leaves& leaves)
      : tree_(tree), leaves_(leaves), roles_(static_cast<size_t>(leaves.size())) {}

  NameRoles run() {
    for (int32_t n = 1; n < static_cast<int32_t>(tree_.nodes().size()); ++n) {
      if (leaves_.is_left_out(n)) continue;
      if (is_at(n, kDefinitions) && !is_case_value(n)) bind(n, NameRole::kDefinition);
      if (is_at(n, kParameters) || is_rest(n)) bind(n, NameRole::kParameter);
    }
    for (int32_t leaf = 0; leaf < leaves_.size(); ++leaf) {
      if (is_name(leaf) && leaves_[leaf].node > 0) settle(leaf);
    }
    return std::move(roles_);
  }

 private:
  template <size_t N>
  bool is_at(int32_t n, const std::array<Place, N>& places) const {
    const std::string_view parent = tree_.type(parent_of(n));
    return std::ranges::any_of(places, [&](const Place& place) {
      return place.parent == parent && (place.field.empty() || is_under(tree_, n, place.field));
    });
  }
  int32_t parent_of(int32_t n) const { return tree_.nodes()[static_cast<size_t>(n)].parent; }
  bool is_name(int32_t leaf) const {
    return std::ranges::find(kNames, leaves_[leaf].type) != kNames.end();
  }
  /// a of `a[i] = x`, which stays what it was.
  bool is_indexed(int32_t n) const {
    const std::string_view parent = tree_.type(parent_of(n));
    return parent == "array_access" || parent == "subscript_expression";
  }
  /// f of Java's `a::f`.
  bool is_referenced(int32_t n) const {
    const int32_t parent = parent_of(n);
    return tree_.type(parent) == "method_reference" && tree_.children(parent).back() == n;
  }
  /// `case X` names a constant, `case T y` holds a pattern.
  bool is_case_value(int32_t n) const {
    return tree_.type(parent_of(n)) == "switch_label" && tree_.type(n) != "pattern";
  }
  /// The declarator of Java's `T... x`.
  bool is_rest(int32_t n) const {
    const int32_t parent = parent_of(n);
    return tree_.type(parent) == "variable_declarator" && is_under(tree_, n, "name") &&
           tree_.type(parent_of(parent)) == "spread_parameter";
  }

  void bind(int32_t n, NameRole role) {
    for (const int32_t leaf : assigned_parts(tree_, leaves_, n).targets) {
      if (is_name(leaf) && !is_indexed(leaves_[leaf].node))
        roles_[static_cast<size_t>(leaf)] = role;
    }
  }

  void settle(int32_t leaf) {
    const int32_t n = leaves_[leaf].node;
    std::optional<NameRole>& role = roles_[static_cast<size_t>(leaf)];
    const bool is_attribute = is_at(n, kAttributes) || is_referenced(n);
    if (is_at(n, kCalls) || (is_attribute && is_at(parent_of(n), kCalls))) {
      role = NameRole::kCall;
    } else if (is_attribute) {
      role = NameRole::kAttribute;
    } else if (is_at(n, kOfOthers)) {
      role = std::nullopt;
    } else if (!role) {
      role = NameRole::kUse;
    }
  }

  const SyntaxTree& tree_;
  const Leaves& leaves_;
  NameRoles roles_;
};

}  // namespace

NameRoles brace_name_roles(const SyntaxTree& tree, const Leaves& leaves) {
  return BraceRoles(tree, leaves).run();
}

}  // namespace ssmi::code
