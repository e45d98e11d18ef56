#pragma once

#include <string>

#include "ssmi/code/syntax_tree.h"

namespace ssmi::code {

/// The source with the names that say what it does taken out, as in AdvTest (Lu et al. 2021,
/// section 3.3): its first function is called Func, and what it binds (parameters, assigned names,
/// targets of `for`, `with`, `except` and comprehensions, inner functions and classes) arg_0,
/// arg_1, ... in the order of the text. Attributes, keywords of calls, what is called from outside
/// and texts stay, but for the function's own name. Throws Error{kMismatch} for another language
/// than Python.
std::string obfuscated(const SyntaxTree& tree);

}  // namespace ssmi::code
