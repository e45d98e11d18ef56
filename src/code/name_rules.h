#pragma once

#include <optional>
#include <vector>

#include "ssmi/code/name_roles.h"

namespace ssmi::code {

using NameRoles = std::vector<std::optional<NameRole>>;

NameRoles python_name_roles(const SyntaxTree& tree, const Leaves& leaves);
NameRoles brace_name_roles(const SyntaxTree& tree, const Leaves& leaves);  ///< Java, JavaScript

/// Whether the parent holds the node under that field.
inline bool is_under(const SyntaxTree& tree, int32_t node, std::string_view field) {
  const uint16_t own = tree.nodes()[static_cast<size_t>(node)].field;
  return own != 0 && own == tree.language().field(field);
}

}  // namespace ssmi::code
