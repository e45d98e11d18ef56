#pragma once

#include <string>
#include <string_view>

namespace ssmi {

/// A field of CSV, between quotes where it needs them (RFC 4180).
std::string csv_field(std::string_view text);

}  // namespace ssmi
