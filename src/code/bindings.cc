#include "ssmi/code/bindings.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "ssmi/core/error.h"

namespace ssmi::code {
namespace {

/// Children that a node binds: those under `field`, or all of them that have none.
struct Rule {
  std::string_view parent, field;
  Binding binds = Binding::kName;
};
constexpr std::array kRules{
    Rule{"parameters", "", Binding::kParameter},
    Rule{"lambda_parameters", "", Binding::kParameter},
    Rule{"default_parameter", "name", Binding::kParameter},
    Rule{"typed_default_parameter", "name", Binding::kParameter},
    Rule{"typed_parameter", "", Binding::kParameter},
    Rule{"assignment", "left"},
    Rule{"augmented_assignment", "left"},
    Rule{"named_expression", "name"},
    Rule{"for_statement", "left"},
    Rule{"for_in_clause", "left"},
    Rule{"as_pattern_target", ""},
    Rule{"function_definition", "name"},
    Rule{"class_definition", "name"},
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

}  // namespace

Binding binding_of(const SyntaxTree& tree, int32_t n) {
  int32_t parent = node(tree, n).parent;
  while (std::ranges::find(kPatterns, tree.type(parent)) != kPatterns.end()) {
    n = parent;
    parent = node(tree, n).parent;
  }
  const auto rule = std::ranges::find_if(kRules, [&](const Rule& one) {
    return tree.type(parent) == one.parent && is_under(tree, n, one.field);
  });
  return rule == kRules.end() ? Binding::kNone : rule->binds;
}

std::vector<int32_t> bindings(const SyntaxTree& tree) {
  if (&tree.language() != &Language::python()) {
    fail(ExitCode::kMismatch, "the names that a program binds are found in Python alone, not in {}",
         tree.language().name());
  }
  std::vector<int32_t> names;
  for (int32_t n = 1; n < static_cast<int32_t>(tree.nodes().size()); ++n) {
    if (tree.type(n) == "identifier" && binding_of(tree, n) != Binding::kNone) names.push_back(n);
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
