#pragma once

#include <fmt/format.h>

#include <string>

namespace ssmi::report {

/// A share to three digits: ".612"; with a sign "+.034", "-.100".
inline std::string short_number(double value, bool with_sign = false) {
  std::string text = with_sign ? fmt::format("{:+.3f}", value) : fmt::format("{:.3f}", value);
  const size_t zero = text.find('0');
  if (zero == text.find('.') - 1 && (zero == 0 || zero == 1)) text.erase(zero, 1);
  return text;
}

/// ".612 [.590, .634]".
inline std::string with_interval(double value, double low, double high, bool with_sign = false) {
  return fmt::format("{} [{}, {}]", short_number(value, with_sign), short_number(low, with_sign),
                     short_number(high, with_sign));
}

}  // namespace ssmi::report
