#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace ssmi::cli {

/// The text of a file, or of standard input for "-". Throws Error{kDisk} when it cannot be read,
/// Error{kBadInput} when it is larger than `max_bytes`.
std::string read_source(const std::string& name, uint64_t max_bytes);

/// --language NAME, which takes the names of code::Language::named().
void add_language_option(CLI::App& command, std::string& language, const std::string& help);

/// Text for a table: control characters are escaped, so that it stays on one line.
std::string shown(std::string_view text);

}  // namespace ssmi::cli
