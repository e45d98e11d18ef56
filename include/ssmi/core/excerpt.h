#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ssmi {

/// Untrusted text fit for a message: at most `max_bytes` of it, cut between UTF-8 characters and
/// marked "...", with '?' for control characters.
std::string excerpt(std::string_view text, size_t max_bytes = 100);

/// Untrusted names fit for a message, the first five in full: "'a', 'b' and 3 more".
std::string listed(const std::vector<std::string>& names);

}  // namespace ssmi
