#include "assigned_parts.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace ssmi::code {
namespace {

/// Nodes that are looked into.
constexpr std::array kPatterns{std::string_view("parenthesized_expression"),
                               std::string_view("array_pattern"),
                               std::string_view("object_pattern"),
                               std::string_view("pair_pattern"),
                               std::string_view("assignment_pattern"),
                               std::string_view("object_assignment_pattern"),
                               std::string_view("rest_pattern"),
                               std::string_view("pattern"),
                               std::string_view("type_pattern"),
                               std::string_view("record_pattern"),
                               std::string_view("record_pattern_body"),
                               std::string_view("record_pattern_component"),
                               std::string_view("subscript_expression"),
                               std::string_view("array_access"),
                               std::string_view("member_expression"),
                               std::string_view("field_access")};

/// Children of these that are read, not set.
struct ReadPart {
  std::string_view parent, field;
};
constexpr std::array kReadParts{ReadPart{"subscript_expression", "index"},
                                ReadPart{"array_access", "index"},
                                ReadPart{"member_expression", "object"},
                                ReadPart{"field_access", "object"},
                                ReadPart{"assignment_pattern", "right"},
                                ReadPart{"object_assignment_pattern", "right"},
                                ReadPart{"pair_pattern", "key"}};

bool is_read(const SyntaxTree& tree, int32_t parent, int32_t child) {
  const uint16_t field = tree.nodes()[static_cast<size_t>(child)].field;
  return std::ranges::any_of(kReadParts, [&](const ReadPart& part) {
    return tree.type(parent) == part.parent && field != 0 &&
           tree.language().field(part.field) == field;
  });
}

}  // namespace

AssignedParts assigned_parts(const SyntaxTree& tree, const Leaves& leaves, int32_t node) {
  AssignedParts parts;
  const auto end_of = [&](int32_t n) { return tree.nodes()[static_cast<size_t>(n)].end; };
  for (int32_t n = node; n < end_of(node);) {
    const int32_t parent = tree.nodes()[static_cast<size_t>(n)].parent;
    if (leaves.is_left_out(n)) {
      n = end_of(n);
    } else if (n != node && is_read(tree, parent, n)) {
      const bool plain_key =
          tree.type(parent) == "pair_pattern" && tree.type(n) != "computed_property_name";
      if (!plain_key) parts.uses.push_back(n);
      const int32_t left = tree.child(parent, "left");
      if (left >= 0) parts.defaults.emplace_back(left, n);
      n = end_of(n);
    } else if (leaves.is_leaf(n)) {
      parts.targets.push_back(leaves.first(n));
      n = end_of(n);
    } else if (std::ranges::find(kPatterns, tree.type(n)) != kPatterns.end()) {
      ++n;
    } else {
      parts.uses.push_back(n);
      n = end_of(n);
    }
  }
  return parts;
}

}  // namespace ssmi::code
