#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "unicode.h"

namespace ssmi::text {

struct CodeRange {
  char32_t first, last;
};
struct PropertyRanges {
  uint16_t property;
  std::span<const CodeRange> ranges;
};
/// Every step-th code from first to last has a lower case: the code plus `delta`.
struct LowercaseRange {
  char32_t first, last;
  uint32_t step;
  int32_t delta;
};

const std::vector<PropertyRanges>& property_ranges();
std::span<const LowercaseRange> lowercase_ranges();
/// By general category what Unicode 14 lacks of it, as the inside of a class.
const std::map<std::string, std::string>& newer_members();

}  // namespace ssmi::text
