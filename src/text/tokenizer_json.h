#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ssmi/text/tokenizer.h"

namespace ssmi::text {

/// The tokenizer that a tokenizer.json (its text) describes. `where` (its name) starts messages.
/// Throws Error{kBadInput} where it is damaged, or asks for what is not supported, by name.
std::unique_ptr<Tokenizer> read_tokenizer_json(std::string_view text, const std::string& where);

}  // namespace ssmi::text
