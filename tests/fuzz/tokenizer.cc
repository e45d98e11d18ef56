#include "text/tokenizer_json.h"

#include "fuzz/input.h"

namespace {

/// Tokens that a text may have: in it, in order, of the vocabulary.
void check(const ssmi::text::Encoding& encoding, const ssmi::text::Tokenizer& tokenizer,
           std::string_view text) {
  if (encoding.ids.size() != encoding.spans.size()) std::abort();
  ssmi::text::Span last;
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    const int64_t id = encoding.ids[i];
    const auto [begin, end] = encoding.spans[i];
    const bool lies = last.begin <= begin && begin <= end && last.end <= end &&
                      end <= static_cast<int64_t>(text.size());
    if (!lies || id < 0 || id >= tokenizer.vocab_size()) std::abort();
    tokenizer.token(id);
    last = {begin, end};
  }
}

}  // namespace

/// A tokenizer.json, which is then to cut a text with something of everything.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ssmi;
  constexpr std::string_view kTexts[] = {
      "def f(x1):\n\treturn  \"\xC3\xA9\" # \xE4\xB8\xAD <s>\xF0\x9F\x98\x80 I'll e\xCC\x81[MASK] ",
      "  \xFF\xC3 a\xE2\x82z\xC4\xB0\xEF\xAC\x83\xCC\xA3\xCC\x87\xE1\x84\x91\xE1\x85\xB1 ab "
      "ab\xC2\xA0"};
  return fuzz::taken_or_refused([&] {
    const auto tokenizer =
        text::read_tokenizer_json({reinterpret_cast<const char*>(data), size}, "t.json");
    for (const std::string_view text : kTexts)
      check(tokenizer->encode(text), *tokenizer, text);
  });
}
