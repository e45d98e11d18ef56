#pragma once

#include <string_view>

namespace ssmi {

/// Whether a text is UTF-8 as Unicode defines it: no overlong forms, surrogates or codes above
/// U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace ssmi
