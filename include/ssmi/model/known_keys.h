#pragma once

#include <string>

#include "ssmi/core/json.h"

namespace ssmi::model {

/// Refuses a key of a config that its architecture does not read, but for those that other tools
/// expect in a config.json (tokens' ids, label names and the like). For configs that are written by
/// hand: those of checkpoints hold much that decides nothing here. Throws Error{kBadInput} naming
/// the key, and as make_model() does.
void refuse_unknown_keys(const Json& config, const std::string& where);

}  // namespace ssmi::model
