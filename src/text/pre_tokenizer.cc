#include "pre_tokenizer.h"

#include <map>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "unicode.h"
#include "utf8.h"

namespace ssmi::text {
namespace {

bool is_space(char32_t code) {
  return has(code, property::kSpace);
}
bool is_punctuation(char32_t code) {
  return has(code, property::kPunctuation);
}

/// Single characters that a predicate holds of.
template <typename Predicate>
std::vector<Match> characters(std::string_view text, Predicate predicate) {
  std::vector<Match> matches;
  for (size_t at = 0; at < text.size();) {
    const Character next = character_at(text, at);
    if (predicate(next.code)) matches.emplace_back(at, at + next.size);
    at += next.size;
  }
  return matches;
}

/// Cuts at single characters of a kind.
class CharacterSplit : public PreTokenizer {
 public:
  CharacterSplit(bool (*is_delimiter)(char32_t), Behavior behavior)
      : is_delimiter_(is_delimiter), behavior_(behavior) {}
  void cut(std::string_view text, std::vector<Match>& parts) const override {
    split(text.size(), characters(text, is_delimiter_), false, behavior_, parts);
  }

 private:
  bool (*is_delimiter_)(char32_t);
  Behavior behavior_;
};

/// Spaces part words, and each punctuation character is one.
class BertPreTokenizer : public PreTokenizer {
 public:
  void cut(std::string_view text, std::vector<Match>& parts) const override {
    size_t begin = 0;
    for (size_t at = 0, end = 0; at < text.size(); at = end) {
      const Character next = character_at(text, at);
      end = at + next.size;
      const bool punctuation = is_punctuation(next.code);
      if (!punctuation && !is_space(next.code)) continue;
      parts.emplace_back(begin, at);
      if (punctuation) parts.emplace_back(at, end);
      begin = end;
    }
    parts.emplace_back(begin, text.size());
  }
};

/// Whitespace: `\w+|[^\w\s]+` are the words.
class Whitespace : public PreTokenizer {
 public:
  void cut(std::string_view text, std::vector<Match>& parts) const override {
    constexpr uint16_t kKinds = property::kWord | property::kSpace;
    const auto kind = [&](size_t at) { return properties()[character_at(text, at).code] & kKinds; };
    for (size_t begin = 0; begin < text.size();) {
      size_t end = begin;
      while (end < text.size() && kind(end) == kind(begin))
        end += character_size(text[end]);
      if (kind(begin) != property::kSpace) parts.emplace_back(begin, end);
      begin = end;
    }
  }
};

class RegexSplit : public PreTokenizer {
 public:
  RegexSplit(Regex pattern, bool invert, Behavior behavior)
      : pattern_(std::move(pattern)), invert_(invert), behavior_(behavior) {}
  void cut(std::string_view text, std::vector<Match>& parts) const override {
    split(text.size(), pattern_.find_all(text), invert_, behavior_, parts);
  }

 private:
  Regex pattern_;
  bool invert_;
  Behavior behavior_;
};

class Metaspace : public PreTokenizer {
 public:
  enum class Prepend { kAlways, kFirst, kNever };
  Metaspace(std::string mark, Prepend prepend, bool cuts)
      : mark_(std::move(mark)), prepend_(prepend), cuts_(cuts) {}

  bool rewrites() const override { return true; }
  void rewrite(AlignedText& text) const override {
    text.replace(characters(text.text(), [](char32_t code) { return code == U' '; }), mark_);
    const bool wanted =
        prepend_ == Prepend::kAlways || (prepend_ == Prepend::kFirst && text.whole().begin == 0);
    if (wanted && !text.text().starts_with(mark_)) text.prepend(mark_);
  }
  void cut(std::string_view text, std::vector<Match>& parts) const override {
    if (!cuts_) return parts.emplace_back(0, text.size()), void();
    const char32_t mark = character_at(mark_, 0).code;
    split(text.size(), characters(text, [&](char32_t code) { return code == mark; }), false,
          Behavior::kMergedWithNext, parts);
  }

 private:
  std::string mark_;
  Prepend prepend_;
  bool cuts_;
};

Behavior behavior_named(const std::string& name, const std::string& where) {
  static const std::map<std::string, Behavior> kNames{
      {"Removed", Behavior::kRemoved},
      {"Isolated", Behavior::kIsolated},
      {"MergedWithPrevious", Behavior::kMergedWithPrevious},
      {"MergedWithNext", Behavior::kMergedWithNext},
      {"Contiguous", Behavior::kContiguous}};
  const auto found = kNames.find(name);
  if (found == kNames.end()) bad_input("{}: unknown behavior '{}'", where, excerpt(name));
  return found->second;
}

std::unique_ptr<const PreTokenizer> read_metaspace(const JsonObject& json) {
  using Prepend = Metaspace::Prepend;
  const std::string mark = json.string("replacement");
  if (count_characters(mark) != 1) {
    bad_input("{}: replacement should be one character, found '{}'", json.where(), excerpt(mark));
  }
  static const std::map<std::string, Prepend> kSchemes{
      {"always", Prepend::kAlways}, {"first", Prepend::kFirst}, {"never", Prepend::kNever}};
  Prepend prepend = Prepend::kAlways;
  if (json.has("prepend_scheme")) {
    const std::string scheme = json.string("prepend_scheme");
    if (!kSchemes.contains(scheme)) {
      bad_input("{}: unknown prepend_scheme '{}'", json.where(), excerpt(scheme));
    }
    prepend = kSchemes.at(scheme);
  }
  const bool given = json.has("add_prefix_space") && !json.at("add_prefix_space").is_null();
  if (given && !json.boolean("add_prefix_space") && prepend != Prepend::kNever) {
    bad_input("{}: add_prefix_space false contradicts prepend_scheme", json.where());
  }
  const bool cuts = !json.has("split") || json.at("split").is_null() || json.boolean("split");
  return std::make_unique<Metaspace>(mark, prepend, cuts);
}

std::unique_ptr<const PreTokenizer> read_split(const JsonObject& json) {
  const JsonObject pattern(json.at("pattern"), json.where() + ": Split's pattern");
  Regex regex = pattern.has("String") ? Regex::literal(pattern.string("String"), json.where())
                                      : Regex(pattern.string("Regex"), json.where());
  const Behavior behavior = behavior_named(json.string("behavior"), json.where());
  return make_split(std::move(regex), json.boolean("invert"), behavior);
}

void read_into(const Json& json, const std::string& where, int depth, PreTokenizers& out) {
  if (json.is_null()) return;
  const JsonObject object(json, where + ": pre_tokenizer");
  const std::string type = object.string("type");
  if (type == "Sequence") {
    if (depth > 8) bad_input("{}: pre_tokenizers nested more than 8 deep", where);
    const Json& steps = object.at("pretokenizers");
    if (!steps.is_array()) bad_input("{}: pretokenizers should be a list", where);
    for (const Json& step : steps)
      read_into(step, where, depth + 1, out);
  } else if (type == "ByteLevel") {
    const bool use_regex = !object.has("use_regex") || object.boolean("use_regex");
    add_byte_level(object.boolean("add_prefix_space"), use_regex, out);
  } else if (type == "BertPreTokenizer") {
    out.push_back(make_bert_pre_tokenizer());
  } else if (type == "Whitespace") {
    out.push_back(std::make_unique<Whitespace>());
  } else if (type == "WhitespaceSplit") {
    out.push_back(std::make_unique<CharacterSplit>(is_space, Behavior::kRemoved));
  } else if (type == "Punctuation") {
    const Behavior behavior = object.has("behavior")
                                  ? behavior_named(object.string("behavior"), object.where())
                                  : Behavior::kIsolated;
    out.push_back(std::make_unique<CharacterSplit>(is_punctuation, behavior));
  } else if (type == "Digits") {
    out.push_back(make_digits(object.boolean("individual_digits")));
  } else if (type == "Metaspace") {
    out.push_back(read_metaspace(object));
  } else if (type == "Split") {
    out.push_back(read_split(object));
  } else {
    bad_input("{}: pre_tokenizer '{}' is not supported", where, excerpt(type));
  }
}

}  // namespace

std::unique_ptr<const PreTokenizer> make_bert_pre_tokenizer() {
  return std::make_unique<BertPreTokenizer>();
}

std::unique_ptr<const PreTokenizer> make_split(Regex pattern, bool invert, Behavior behavior) {
  return std::make_unique<RegexSplit>(std::move(pattern), invert, behavior);
}

std::unique_ptr<const PreTokenizer> make_digits(bool individual) {
  const auto numeric = [](char32_t code) { return has(code, property::kNumeric); };
  return std::make_unique<CharacterSplit>(numeric,
                                          individual ? Behavior::kIsolated : Behavior::kContiguous);
}

PreTokenizers read_pre_tokenizers(const Json& json, const std::string& where) {
  PreTokenizers out;
  read_into(json, where, 0, out);
  return out;
}

}  // namespace ssmi::text
