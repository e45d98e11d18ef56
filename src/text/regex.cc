#include "regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "utf8.h"

namespace ssmi::text {

struct Regex::Compiled {
  struct FreeCode {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  };
  std::unique_ptr<pcre2_code, FreeCode> code;
  std::string literal;  // all that the pattern matches, if not empty
  /// pcre2_jit_match, which checks less; pcre2_match, which is only slower, where there is no JIT.
  decltype(&pcre2_match) match = pcre2_match;

  explicit Compiled(pcre2_code* compiled) : code(compiled) {
    if (pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE) == 0) match = pcre2_jit_match;
  }
};

namespace {

struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

constexpr size_t kMaxPattern = 1U << 16;

std::string message_of(int code) {
  std::array<unsigned char, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

pcre2_code* compile(std::string_view pattern, std::string_view shown, const std::string& where) {
  int error = 0;
  PCRE2_SIZE at = 0;
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &at, nullptr);
  if (code == nullptr) {
    bad_input("{}: pattern '{}': {}", where, excerpt(shown), message_of(error));
  }
  return code;
}

}  // namespace

Regex::Regex(std::shared_ptr<const Compiled> compiled, std::string where)
    : compiled_(std::move(compiled)), where_(std::move(where)) {}

Regex::Regex(std::string_view pattern, const std::string& where) : where_(where) {
  if (pattern.size() > kMaxPattern) {
    bad_input("{}: a pattern of {} bytes; at most {} are read", where, pattern.size(), kMaxPattern);
  }
  compiled_ = std::make_shared<Compiled>(compile(to_pcre2(pattern, where), pattern, where));
}

Regex Regex::literal(std::string_view text, const std::string& where) {
  std::string pattern;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       static_cast<unsigned char>(c) >= 0x80;
    if (!plain) pattern.push_back('\\');
    pattern.push_back(c);
  }
  auto compiled = std::make_shared<Compiled>(compile(pattern, text, where));
  compiled->literal = text;
  return {std::move(compiled), where};
}

bool Regex::matches_empty() const {
  uint32_t empty = 0;
  pcre2_pattern_info(compiled_->code.get(), PCRE2_INFO_MATCHEMPTY, &empty);
  return empty != 0;
}

std::vector<Match> Regex::find_all(std::string_view text) const {
  std::vector<Match> matches;
  if (const std::string_view literal = compiled_->literal; !literal.empty()) {
    for (size_t at = 0; (at = text.find(literal, at)) != text.npos; at += literal.size())
      matches.emplace_back(at, at + literal.size());
    return matches;
  }
  // Where the whole match lies is all that is asked for, whatever the pattern.
  thread_local const std::unique_ptr<pcre2_match_data, FreeMatch> data(
      pcre2_match_data_create(1, nullptr));
  if (!data) throw std::bad_alloc();
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  size_t at = 0;
  size_t last = std::string_view::npos;  // end of the last match
  while (at <= text.size()) {
    const int found = compiled_->match(compiled_->code.get(), subject, text.size(), at,
                                       PCRE2_NO_UTF_CHECK, data.get(), nullptr);
    if (found == PCRE2_ERROR_NOMATCH) break;
    if (found < 0) bad_input("{}: a pattern fails on this text: {}", where_, message_of(found));
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
    const size_t begin = ends[0], end = ends[1];
    if (begin == end && begin == last) {  // no empty match right behind a match
      if (end == text.size()) break;
      at = end + character_size(text[end]);
      continue;
    }
    if (begin > end) bad_input("{}: a pattern moves the start of its match", where_);
    matches.emplace_back(begin, end);
    at = last = end;
  }
  return matches;
}

}  // namespace ssmi::text
