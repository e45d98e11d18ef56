#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pickle.h"

namespace ssmi::io {

/// What "module.name" means. Throws Error{kBadInput} for a name that is not allowed, with the way
/// to convert the file.
PickleGlobal allowed_name(std::string_view module, std::string_view name, const std::string& file);

/// What calling `callee` with these arguments gives. Throws Error{kBadInput} when they do not fit.
PickleValue called(const PickleGlobal& callee, const PickleTuple& arguments, const Pickle& pickle,
                   const std::string& file);

/// The storage that a persistent id stands for. Throws Error{kBadInput} when it is none.
PickleValue storage_of(const PickleValue& id, const Pickle& pickle, const std::string& file);

}  // namespace ssmi::io
