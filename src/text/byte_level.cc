#include <array>

#include "pre_tokenizer.h"
#include "unicode.h"
#include "utf8.h"

namespace ssmi::text {
namespace {

/// GPT-2's encoder.py: printable bytes of Latin-1 stand for themselves, the others, in order, for
/// U+0100 and on.
std::array<char32_t, 256> make_alphabet() {
  std::array<char32_t, 256> alphabet{};
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    alphabet[byte] = printable ? byte : next++;
  }
  return alphabet;
}

/// End of an apostrophe's contraction at `begin`, or `begin`.
size_t contraction(std::string_view text, size_t begin) {
  const auto rest = text.substr(begin + 1, 2);
  if (rest.starts_with("re") || rest.starts_with("ve") || rest.starts_with("ll")) return begin + 3;
  const bool one =
      !rest.empty() && std::string_view("stmd").find(rest[0]) != std::string_view::npos;
  return one ? begin + 2 : begin;
}

}  // namespace

char32_t byte_character(unsigned char byte) {
  static const auto kAlphabet = make_alphabet();
  return kAlphabet[byte];
}

size_t gpt2_word(std::string_view text, size_t begin) {
  using namespace property;
  const uint16_t* table = properties();
  constexpr uint16_t kKinds = kLetter | kNumber | kSpace;
  const auto kind = [&](const Character& c) { return table[c.code] & kKinds; };
  Character first = character_at(text, begin);
  if (first.code == '\'') {
    const size_t end = contraction(text, begin);
    if (end > begin) return end;
  }
  size_t at = begin;
  if (first.code == ' ' && begin + 1 < text.size()) {
    const Character second = character_at(text, begin + 1);
    if (kind(second) != kSpace) {
      first = second;
      at = begin + 1;
    }
  }
  // A run of one kind: letters, numbers, neither of them nor spaces, or spaces.
  const auto wanted = kind(first);
  size_t last = at;  // where the run's last character begins
  while (at < text.size()) {
    const Character next = character_at(text, at);
    if (kind(next) != wanted) break;
    last = at;
    at += next.size;
  }
  // \s+(?!\S): spaces before a word leave it the last one, unless there is only one.
  return wanted == kSpace && at < text.size() && last > begin ? last : at;
}

void ByteAlphabet::rewrite(AlignedText& text) const {
  text.expand([](char32_t code, std::string& bytes) {
    std::string raw;
    append_utf8(code, raw);
    for (const char byte : raw)
      append_utf8(byte_character(static_cast<unsigned char>(byte)), bytes);
  });
}

void ByteAlphabet::cut(std::string_view text, std::vector<Match>& parts) const {
  parts.emplace_back(0, text.size());
}

namespace {

class Gpt2Words : public PreTokenizer {
 public:
  Gpt2Words(bool add_prefix_space, bool use_regex)
      : add_prefix_space_(add_prefix_space), use_regex_(use_regex) {}
  bool rewrites() const override { return add_prefix_space_; }
  void rewrite(AlignedText& text) const override {
    if (!text.text().starts_with(' ')) text.prepend(" ");
  }
  void cut(std::string_view text, std::vector<Match>& parts) const override {
    for (size_t begin = 0, end = 0; begin < text.size(); begin = end) {
      end = use_regex_ ? gpt2_word(text, begin) : text.size();
      parts.emplace_back(begin, end);
    }
  }

 private:
  bool add_prefix_space_, use_regex_;
};

}  // namespace

void add_byte_level(bool add_prefix_space, bool use_regex, PreTokenizers& steps) {
  if (add_prefix_space || use_regex)
    steps.push_back(std::make_unique<Gpt2Words>(add_prefix_space, use_regex));
  steps.push_back(std::make_unique<ByteAlphabet>());
}

}  // namespace ssmi::text
