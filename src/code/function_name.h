#pragma once

#include <cstdint>

#include "ssmi/code/syntax_tree.h"

namespace ssmi::code {

/// The node that names a function: its own name, or what a function without one is assigned to (a
/// variable, a property, a key). -1 for a node that is no function, has no body or no name.
int32_t function_name(const SyntaxTree& tree, int32_t node);

}  // namespace ssmi::code
