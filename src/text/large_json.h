#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "bpe.h"
#include "token_map.h"

namespace ssmi::text {

/// JSON whose objects may have a hundred thousand keys: sorted, found in logarithmic time.
using LargeJson = nlohmann::json;

/// Parses untrusted text as parse_json() does.
LargeJson parse_large_json(std::string_view text, const std::string& where);

/// {"token": id, ...}. `where` starts messages.
TokenMap read_token_map(const LargeJson& json, const std::string& where);

/// ["a b", ...] or [["a", "b"], ...].
Bpe::Merges read_merges(const LargeJson& json, const std::string& where);

/// "a b": the two sides of a merge; `number` says which in messages.
std::pair<std::string, std::string> split_merge(std::string_view merge, size_t number,
                                                const std::string& where);

}  // namespace ssmi::text
