#include "function_name.h"

#include <array>
#include <string_view>

namespace ssmi::code {
namespace {

/// What C and C++ declare: the innermost function of `int (*f(int))(char)` is the one defined.
int32_t declared_name(const SyntaxTree& tree, int32_t function) {
  int32_t name = tree.child(function, "declarator");
  if (name < 0) return -1;
  const int32_t end = tree.nodes()[static_cast<size_t>(name)].end;
  for (int32_t n = name; n < end;) {
    const int32_t declared =
        tree.type(n) == "function_declarator" ? tree.child(n, "declarator") : -1;
    if (declared >= 0) name = declared;
    // Parameters may be functions too.
    n = tree.type(n) == "parameter_list" ? tree.nodes()[static_cast<size_t>(n)].end : n + 1;
  }
  return name;
}

/// What a function expression is assigned to.
int32_t assigned_name(const SyntaxTree& tree, int32_t function) {
  struct Place {
    std::string_view type, value, name;
  };
  constexpr std::array kPlaces{Place{"variable_declarator", "value", "name"},
                               Place{"assignment_expression", "right", "left"},
                               Place{"pair", "value", "key"},
                               Place{"field_definition", "value", "property"},
                               Place{"public_field_definition", "value", "name"}};
  const int32_t parent = tree.nodes()[static_cast<size_t>(function)].parent;
  for (const Place& place : kPlaces) {
    if (parent >= 0 && tree.type(parent) == place.type &&
        tree.child(parent, place.value) == function) {
      return tree.child(parent, place.name);
    }
  }
  return -1;
}

}  // namespace

int32_t function_name(const SyntaxTree& tree, int32_t node) {
  if (!tree.is(node, Role::kFunction) || tree.child(node, "body") < 0) return -1;
  const int32_t own = tree.child(node, "name");
  if (own >= 0) return own;
  const int32_t declared = declared_name(tree, node);
  return declared >= 0 ? declared : assigned_name(tree, node);
}

}  // namespace ssmi::code
