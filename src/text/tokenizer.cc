#include "ssmi/text/tokenizer.h"

#include "ssmi/core/hash.h"

namespace ssmi::text {
namespace {

bool stands_for_itself(unsigned char byte) {
  return byte == '\t' || byte == '\n' || byte == '\r' || (byte >= 32 && byte <= 126);
}

}  // namespace

Encoding ByteTokenizer::cut(std::string_view text, Markers) const {
  Encoding encoding;
  encoding.ids.reserve(text.size());
  encoding.spans.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto begin = static_cast<int64_t>(i);
    encoding.ids.push_back(stands_for_itself(byte) ? byte : kOther);
    encoding.spans.push_back({begin, begin + 1});
  }
  return encoding;
}

std::string ByteTokenizer::token(int64_t id) const {
  if (id == kOther) return "<other>";
  if (id == kPadding) return "<pad>";
  if (id < 0 || id >= vocab_size() || !stands_for_itself(static_cast<unsigned char>(id))) {
    return "<unused>";
  }
  return std::string(1, static_cast<char>(id));
}

std::string ByteTokenizer::sha256() const {
  return ssmi::sha256("bytes: 9 10 13 32..126 themselves, others 128, padding 129");
}

}  // namespace ssmi::text
