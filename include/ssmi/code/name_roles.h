#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ssmi/code/relations.h"

namespace ssmi::code {

/// What an identifier does where it stands.
enum class NameRole : uint8_t {
  kDefinition,  ///< is bound: by an assignment, `for`, `with`, `import`, `catch`, a declaration
  kParameter,   ///< is bound as a parameter
  kAttribute,   ///< is looked up in what stands before it
  kCall,        ///< is what is called, whether looked up (`a.f()`) or not
  kUse,         ///< anything else
};
inline constexpr std::array kNameRoles{NameRole::kDefinition, NameRole::kParameter,
                                       NameRole::kAttribute, NameRole::kCall, NameRole::kUse};
std::string_view name(NameRole role);  ///< "definition", "parameter", ...

/// The role of each leaf; none for what is no identifier, and for names that belong to something
/// else: keywords of calls, keys, modules, labels, names of types where the grammar tells them
/// from others. Rules: docs/parse.md. Throws Error{kMismatch} as require_data_flow() does.
std::vector<std::optional<NameRole>> name_roles(const SyntaxTree& tree, const Leaves& leaves);

/// Uses of names, each with the earlier places that bind the same name: label kComesFrom where the
/// data flow takes the use's value from there, 0 where it does not. Only uses whose every source
/// is known are there: docs/parse.md. Sorted. Throws as data_flow() does.
std::vector<Edge> definitions(const SyntaxTree& tree, const Leaves& leaves);

}  // namespace ssmi::code
