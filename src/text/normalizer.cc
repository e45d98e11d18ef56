#include "normalizer.h"

#include <algorithm>

#include "regex.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "unicode.h"
#include "utf8.h"

namespace ssmi::text {
namespace {

char32_t same(char32_t code) {
  return code;
}

/// The blocks that BERT's tokenization.py calls Chinese.
bool is_chinese(char32_t code) {
  constexpr std::pair<char32_t, char32_t> kBlocks[] = {
      {0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F},
      {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF}, {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};
  for (const auto& [first, last] : kBlocks)
    if (code >= first && code <= last) return true;
  return false;
}

/// ASCII is in every normal form already.
void bring_into(Form form, AlignedText& text) {
  const auto ascii = [](char byte) { return static_cast<unsigned char>(byte) < 0x80; };
  if (std::ranges::all_of(text.text(), ascii)) return;
  text.transform(normalise(text.text(), form));
}

void lowercase(AlignedText& text) {
  text.expand(append_lowercase);
}

void strip_accents(AlignedText& text) {
  bring_into(Form::kNfd, text);
  text.filter([](char32_t code) { return !has(code, property::kNonSpacing); }, same);
}

class BertNormalizer : public Normalizer {
 public:
  explicit BertNormalizer(const BertNormalizerOptions& options) : options_(options) {}

  void apply(AlignedText& text) const override {
    if (options_.clean_text) {
      text.filter([](char32_t code) { return code != 0 && !has(code, property::kControl); },
                  [](char32_t code) { return has(code, property::kSpace) ? U' ' : code; });
    }
    if (options_.handle_chinese_chars) {
      text.expand([](char32_t code, std::string& out) {
        const bool apart = is_chinese(code);
        if (apart) out.push_back(' ');
        append_utf8(code, out);
        if (apart) out.push_back(' ');
      });
    }
    if (options_.strip_accents) strip_accents(text);
    if (options_.lowercase) lowercase(text);
  }

 private:
  BertNormalizerOptions options_;
};

class Lowercase : public Normalizer {
 public:
  void apply(AlignedText& text) const override { lowercase(text); }
};

class StripAccents : public Normalizer {
 public:
  void apply(AlignedText& text) const override {
    text.filter([](char32_t code) { return !has(code, property::kCombining); }, same);
  }
};

class UnicodeForm : public Normalizer {
 public:
  explicit UnicodeForm(Form form) : form_(form) {}
  void apply(AlignedText& text) const override { bring_into(form_, text); }

 private:
  Form form_;
};

class Strip : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}
  void apply(AlignedText& text) const override {
    const std::string& string = text.text();
    size_t begin = 0, end = string.size();
    const auto space = [](const Character& c) { return has(c.code, property::kSpace); };
    while (left_ && begin < end && space(character_at(string, begin)))
      begin += character_size(string[begin]);
    while (right_ && end > begin && space(character_before(string, end)))
      end -= character_before(string, end).size;
    if (begin > 0 || end < string.size()) text.keep(begin, end);
  }

 private:
  bool left_, right_;
};

class Prepend : public Normalizer {
 public:
  explicit Prepend(std::string prefix) : prefix_(std::move(prefix)) {}
  void apply(AlignedText& text) const override { text.prepend(prefix_); }

 private:
  std::string prefix_;
};

class Replace : public Normalizer {
 public:
  Replace(Regex pattern, std::string content, std::string where)
      : pattern_(std::move(pattern)), content_(std::move(content)), where_(std::move(where)) {}
  void apply(AlignedText& text) const override {
    // A few dozen of them that double a text would fill any memory.
    constexpr size_t kMaxGrowth = 64, kSmall = 1 << 20;
    const auto matches = pattern_.find_all(text.text());
    const size_t size = text.text().size() + matches.size() * content_.size();
    const auto [begin, end] = text.whole();
    if (size > kSmall + kMaxGrowth * static_cast<size_t>(end - begin)) {
      bad_input("{}: Replace makes {} bytes of a text of {}", where_, size, end - begin);
    }
    text.replace(matches, content_);
  }

 private:
  Regex pattern_;
  std::string content_, where_;
};

std::unique_ptr<const Normalizer> read_bert(const JsonObject& json) {
  BertNormalizerOptions options;
  options.clean_text = json.boolean("clean_text");
  options.handle_chinese_chars = json.boolean("handle_chinese_chars");
  options.lowercase = json.boolean("lowercase");
  const bool given = json.has("strip_accents") && !json.at("strip_accents").is_null();
  options.strip_accents = given ? json.boolean("strip_accents") : options.lowercase;
  return make_bert_normalizer(options);
}

std::unique_ptr<const Normalizer> read_replace(const JsonObject& json) {
  const JsonObject pattern(json.at("pattern"), json.where() + ": Replace's pattern");
  const bool literal = pattern.has("String");
  Regex regex = literal ? Regex::literal(pattern.string("String"), json.where())
                        : Regex(pattern.string("Regex"), json.where());
  if (regex.matches_empty()) {
    bad_input("{}: normalizer Replace: its pattern matches nothing at all; not supported",
              json.where());
  }
  return std::make_unique<Replace>(std::move(regex), json.string("content"), json.where());
}

void read_into(const Json& json, const std::string& where, int depth, Normalizers& out) {
  if (json.is_null()) return;
  const JsonObject object(json, where + ": normalizer");
  const std::string type = object.string("type");
  if (type == "Sequence") {
    if (depth > 8) bad_input("{}: normalizers nested more than 8 deep", where);
    const Json& steps = object.at("normalizers");
    if (!steps.is_array()) bad_input("{}: normalizers should be a list", where);
    for (const Json& step : steps)
      read_into(step, where, depth + 1, out);
  } else if (type == "BertNormalizer") {
    out.push_back(read_bert(object));
  } else if (type == "Lowercase") {
    out.push_back(std::make_unique<Lowercase>());
  } else if (type == "StripAccents") {
    out.push_back(std::make_unique<StripAccents>());
  } else if (type == "NFC" || type == "NFD" || type == "NFKC" || type == "NFKD") {
    const bool composed = type.back() == 'C', compatible = type[2] == 'K';
    out.push_back(std::make_unique<UnicodeForm>(composed     ? compatible ? Form::kNfkc : Form::kNfc
                                                : compatible ? Form::kNfkd
                                                             : Form::kNfd));
  } else if (type == "Strip") {
    out.push_back(
        std::make_unique<Strip>(object.boolean("strip_left"), object.boolean("strip_right")));
  } else if (type == "Prepend") {
    out.push_back(std::make_unique<Prepend>(object.string("prepend")));
  } else if (type == "Replace") {
    out.push_back(read_replace(object));
  } else {
    bad_input("{}: normalizer '{}' is not supported", where, excerpt(type));
  }
}

}  // namespace

std::unique_ptr<const Normalizer> make_bert_normalizer(const BertNormalizerOptions& options) {
  return std::make_unique<BertNormalizer>(options);
}

Normalizers read_normalizers(const Json& json, const std::string& where) {
  Normalizers out;
  read_into(json, where, 0, out);
  return out;
}

}  // namespace ssmi::text
