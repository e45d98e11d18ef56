#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ssmi/core/json.h"
#include "ssmi/io/checkpoint.h"

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

/// Whether a text gets the marks its model puts around it ([CLS], <s>, ...), if it has any.
enum class Markers { kNone, kAdd };

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// Bytes that are not UTF-8 are read as U+FFFD, one for each maximal part of a character, as
  /// WHATWG decoders do; the spans are those of the original bytes.
  Encoding encode(std::string_view text, Markers markers = Markers::kAdd) const {
    return cut(text, markers);
  }
  /// What an id stands for, as bytes; a name in angle brackets where it stands for no one text.
  virtual std::string token(int64_t id) const = 0;
  virtual int64_t vocab_size() const = 0;
  /// Identifies the mapping: equal hashes encode every text alike.
  virtual std::string sha256() const = 0;

 private:
  virtual Encoding cut(std::string_view text, Markers markers) const = 0;
};

/// One token a byte. Ids 9, 10, 13 and 32..126 are those bytes themselves, 128 is any other byte,
/// 129 is padding.
class ByteTokenizer : public Tokenizer {
 public:
  static constexpr int64_t kOther = 128;
  static constexpr int64_t kPadding = 129;

  std::string token(int64_t id) const override;
  int64_t vocab_size() const override { return 130; }
  std::string sha256() const override;

 private:
  Encoding cut(std::string_view text, Markers markers) const override;
};

/// The tokenizer of a model folder: the one that `"tokenizer"` in its config.json names ("bytes"),
/// else tokenizer.json, else vocab.json with merges.txt, else vocab.txt (docs/tokens.md).
/// Throws Error{kBadInput} when there is none, or it is damaged or asks for what is not supported.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder, const Json& config);

/// The tokenizer in a GGUF file, by what its metadata say (docs/tokens.md). Throws as the other.
std::unique_ptr<Tokenizer> load_gguf_tokenizer(const std::filesystem::path& path);

/// Whichever of the two a checkpoint has.
std::unique_ptr<Tokenizer> load_tokenizer(const io::Checkpoint& checkpoint);

/// The texts of files by their names.
using TextFiles = std::map<std::string, std::string>;

/// The files of a model folder that tokenizers are read from, to copy them. Throws Error{kDisk}.
TextFiles read_tokenizer_files(const std::filesystem::path& folder);

}  // namespace ssmi::text
