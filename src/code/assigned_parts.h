#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "ssmi/code/leaves.h"

namespace ssmi::code {

/// What stands on the left of an assignment in Java or JavaScript, or is bound by a declaration.
struct AssignedParts {
  std::vector<int32_t> targets;  ///< leaves that are set: names, fields, the name of an array
  std::vector<int32_t> uses;     ///< nodes that are read: objects, indices, defaults, keys in []
  std::vector<std::pair<int32_t, int32_t>> defaults;  ///< node, its default's node
};

AssignedParts assigned_parts(const SyntaxTree& tree, const Leaves& leaves, int32_t node);

}  // namespace ssmi::code
