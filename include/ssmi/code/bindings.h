#pragma once

#include <cstdint>
#include <vector>

#include "ssmi/code/syntax_tree.h"

namespace ssmi::code {

/// How an identifier of a Python program is bound where it stands, as bindings() counts it.
enum class Binding : uint8_t { kNone, kParameter, kName };
Binding binding_of(const SyntaxTree& tree, int32_t identifier);

/// The identifiers of a Python program that bind a name, in the order of the text: parameters,
/// assigned names, targets of `for`, `with`, `except`, `:=` and comprehensions, names of functions
/// and classes. Attributes and items that are assigned are no names; imports are not counted.
/// Throws Error{kMismatch} for another language.
std::vector<int32_t> bindings(const SyntaxTree& tree);

/// The name of the first function; -1 where there is none.
int32_t first_function_name(const SyntaxTree& tree);

}  // namespace ssmi::code
