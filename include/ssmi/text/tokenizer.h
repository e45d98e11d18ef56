#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ssmi/core/json.h"

namespace ssmi::text {

/// Bytes [begin, end) of the original text.
struct Span {
  int64_t begin = 0;
  int64_t end = 0;
  bool operator==(const Span&) const = default;
};

/// A text as a model reads it: `ids[t]` stands for the bytes `spans[t]`. Neither end of the spans
/// ever decreases; a token that stands for no text (a marker) has an empty span.
struct Encoding {
  std::vector<int64_t> ids;
  std::vector<Span> spans;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual Encoding encode(std::string_view text) const = 0;
  /// What an id stands for, as bytes; a name in angle brackets where it stands for no one text.
  virtual std::string token(int64_t id) const = 0;
  virtual int64_t vocab_size() const = 0;
  /// Identifies the mapping: equal hashes encode every text alike.
  virtual std::string sha256() const = 0;
};

/// One token a byte. Ids 9, 10, 13 and 32..126 are those bytes themselves, 128 is any other byte,
/// 129 is padding.
class ByteTokenizer : public Tokenizer {
 public:
  static constexpr int64_t kOther = 128;
  static constexpr int64_t kPadding = 129;

  Encoding encode(std::string_view text) const override;
  std::string token(int64_t id) const override;
  int64_t vocab_size() const override { return 130; }
  std::string sha256() const override;
};

/// The tokenizer of a model folder, as `"tokenizer"` in its config.json names it: "bytes".
/// Throws Error{kBadInput} when the key is missing or unknown.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder, const Json& config);

}  // namespace ssmi::text
