#include "unicode.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include <algorithm>
#include <memory>

#include "ssmi/core/error.h"
#include "unicode_tables.h"
#include "utf8.h"

namespace ssmi::text {
namespace {

constexpr char32_t kCodes = 0x110000;

std::unique_ptr<uint16_t[]> make_properties() {
  auto table = std::make_unique<uint16_t[]>(kCodes);
  for (const PropertyRanges& property : property_ranges()) {
    for (const CodeRange& range : property.ranges) {
      for (char32_t code = range.first; code <= range.last; ++code)
        table[code] = static_cast<uint16_t>(table[code] | property.property);
    }
  }
  return table;
}

/// The reference normalises by the tables of Unicode 9: what came later is as if unassigned.
bool known(char32_t code) {
  constexpr uint8_t kNewest = 9;
  if (code < 0x300) return true;
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(code), age);
  return age[0] != 0 && age[0] <= kNewest;
}

uint8_t combining_class(char32_t code) {
  return known(code) ? u_getCombiningClass(static_cast<UChar32>(code)) : 0;
}

const UNormalizer2* normalizer(bool compatible) {
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* found =
      compatible ? unorm2_getNFKCInstance(&error) : unorm2_getNFCInstance(&error);
  if (U_FAILURE(error))
    fail(ExitCode::kBug, "ICU has no normalisation data: {}", u_errorName(error));
  return found;
}

/// The full decomposition of a character.
void decompose(char32_t code, const UNormalizer2* form, std::u32string& out) {
  if (known(code)) {
    UChar buffer[32];
    UErrorCode error = U_ZERO_ERROR;
    const int32_t length =
        unorm2_getDecomposition(form, static_cast<UChar32>(code), buffer, 32, &error);
    if (length >= 0 && U_SUCCESS(error)) {
      for (int32_t at = 0; at < length;) {
        UChar32 part;
        U16_NEXT(buffer, at, length, part);
        out.push_back(static_cast<char32_t>(part));
      }
      return;
    }
  }
  out.push_back(code);
}

struct Part {
  char32_t code;
  int32_t change;
  uint8_t combining;
};

/// Canonical order (Unicode, D109): stable by class between starters.
void order(std::vector<Part>& parts) {
  for (auto begin = parts.begin(); begin != parts.end();) {
    if (begin->combining == 0) {
      ++begin;
      continue;
    }
    const auto end =
        std::find_if(begin, parts.end(), [](const Part& p) { return p.combining == 0; });
    std::stable_sort(begin, end,
                     [](const Part& a, const Part& b) { return a.combining < b.combining; });
    begin = end;
  }
}

/// Canonical composition (Unicode, D117). What a character takes in adds to what it replaces.
void compose(std::vector<Part>& parts) {
  const UNormalizer2* form = normalizer(false);
  std::vector<Part> out;
  size_t starter = parts.size();  // in out; none yet
  uint8_t last = 0;               // class of what stands behind the starter
  for (const Part& part : parts) {
    if (starter < out.size()) {
      const bool blocked = out.size() - 1 > starter && (last == 0 || last >= part.combining);
      const UChar32 composed =
          blocked ? U_SENTINEL
                  : unorm2_composePair(form, static_cast<UChar32>(out[starter].code),
                                       static_cast<UChar32>(part.code));
      if (composed >= 0 && known(static_cast<char32_t>(composed))) {
        out[starter].code = static_cast<char32_t>(composed);
        out[starter].change += part.change - 1;
        continue;
      }
    }
    if (part.combining == 0) starter = out.size();
    last = part.combining;
    out.push_back(part);
  }
  parts = std::move(out);
}

}  // namespace

const uint16_t* properties() {
  static const std::unique_ptr<uint16_t[]> kTable = make_properties();
  return kTable.get();
}

void append_lowercase(char32_t code, std::string& out) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code >= 'A' && code <= 'Z' ? code + 32 : code));
    return;
  }
  if (code == 0x130) {  // the one character whose lower case is two
    out += "i\xCC\x87";
    return;
  }
  const auto ranges = lowercase_ranges();
  auto range = std::upper_bound(ranges.begin(), ranges.end(), code,
                                [](char32_t c, const LowercaseRange& r) { return c < r.first; });
  // Ranges with steps interleave: the one before may still hold it.
  for (int tries = 0; tries < 3 && range != ranges.begin(); ++tries) {
    --range;
    if (code <= range->last && (code - range->first) % range->step == 0) {
      code = static_cast<char32_t>(static_cast<int64_t>(code) + range->delta);
      break;
    }
  }
  append_utf8(code, out);
}

std::vector<Change> normalise(const std::string& text, Form form) {
  const bool compatible = form == Form::kNfkc || form == Form::kNfkd;
  std::vector<Part> parts;
  parts.reserve(text.size());
  std::u32string pieces;
  for (size_t at = 0; at < text.size();) {
    const Character next = character_at(text, at);
    at += next.size;
    pieces.clear();
    decompose(next.code, normalizer(compatible), pieces);
    for (size_t i = 0; i < pieces.size(); ++i)
      parts.push_back({pieces[i], i > 0 ? 1 : 0, combining_class(pieces[i])});
  }
  order(parts);
  if (form == Form::kNfc || form == Form::kNfkc) compose(parts);
  std::vector<Change> changes;
  changes.reserve(parts.size());
  for (const Part& part : parts)
    changes.push_back({part.code, part.change});
  return changes;
}

std::string newer_ranges(const std::string& category) {
  const auto found = newer_members().find(category);
  return found == newer_members().end() ? std::string() : found->second;
}

}  // namespace ssmi::text
