#include "ssmi/code/bindings.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "ssmi/core/error.h"

namespace ssmi::code {
namespace {

/// Children that a node binds: those under `field`, or all of them that have none.
struct Binding {
  std::string_view parent, field;
};
constexpr std::array kBindings{
    Binding{"parameters", ""},
    Binding{"lambda_parameters", ""},
    Binding{"default_parameter", "name"},
    Binding{"typed_default_parameter", "name"},
    Binding{"typed_parameter", ""},
    Binding{"assignment", "left"},
    Binding{"augmented_assignment", "left"},
    Binding{"named_expression", "name"},
    Binding{"for_statement", "left"},
    Binding{"for_in_clause", "left"},
    Binding{"as_pattern_target", ""},
    Binding{"function_definition", "name"},
    Binding{"class_definition", "name"},
};

/// What is bound with the names in it.
constexpr std::array kPatterns{std::string_view("pattern_list"), std::string_view("tuple_pattern"),
                               std::string_view("list_pattern"),
                               std::string_view("list_splat_pattern"),
                               std::string_view("dictionary_splat_pattern")};

const Node& node(const SyntaxTree& tree, int32_t n) {
  return tree.nodes()[static_cast<size_t>(n)];
}

bool is_under(const SyntaxTree& tree, int32_t n, std::string_view field) {
  const uint16_t own = node(tree, n).field;
  return field.empty() ? own == 0 : own != 0 && own == tree.language().field(field);
}

bool is_bound(const SyntaxTree& tree, int32_t n) {
  int32_t parent = node(tree, n).parent;
  while (std::ranges::find(kPatterns, tree.type(parent)) != kPatterns.end()) {
    n = parent;
    parent = node(tree, n).parent;
  }
  return std::ranges::any_of(kBindings, [&](const Binding& binding) {
    return tree.type(parent) == binding.parent && is_under(tree, n, binding.field);
  });
}

}  // namespace

std::vector<int32_t> bindings(const SyntaxTree& tree) {
  if (&tree.language() != &Language::python()) {
    fail(ExitCode::kMismatch, "the names that a program binds are found in Python alone, not in {}",
         tree.language().name());
  }
  std::vector<int32_t> names;
  for (int32_t n = 1; n < static_cast<int32_t>(tree.nodes().size()); ++n) {
    if (tree.type(n) == "identifier" && is_bound(tree, n)) names.push_back(n);
  }
  return names;
}

int32_t first_function_name(const SyntaxTree& tree) {
  for (int32_t n = 0; n < static_cast<int32_t>(tree.nodes().size()); ++n) {
    if (tree.type(n) == "function_definition") return tree.child(n, "name");
  }
  return -1;
}

}  // namespace ssmi::code
