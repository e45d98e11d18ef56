#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ssmi::text {

/// [begin, end) of a match, in bytes.
using Match = std::pair<size_t, size_t>;

/// A regular expression in Oniguruma's syntax, which tokenizer.json uses, run by PCRE2.
class Regex {
 public:
  /// `where` starts messages. Throws Error{kBadInput} when the pattern does not compile, or has
  /// something that PCRE2 may read otherwise.
  Regex(std::string_view pattern, const std::string& where);
  /// A pattern that matches just this text.
  static Regex literal(std::string_view text, const std::string& where);

  /// All matches in a text, which must be UTF-8, from left to right; none overlap.
  std::vector<Match> find_all(std::string_view text) const;
  bool matches_empty() const;

 private:
  struct Compiled;
  Regex(std::shared_ptr<const Compiled> compiled, std::string where);

  std::shared_ptr<const Compiled> compiled_;
  std::string where_;
};

/// The pattern as PCRE2 (UTF, UCP) reads what Oniguruma reads in the original.
std::string to_pcre2(std::string_view pattern, const std::string& where);

}  // namespace ssmi::text
