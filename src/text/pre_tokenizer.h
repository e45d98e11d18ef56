#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aligned_text.h"
#include "regex.h"
#include "ssmi/core/json.h"

namespace ssmi::text {

/// A stretch with nothing but words of the vocabulary in it, or one added token.
struct Piece {
  AlignedText text;
  int64_t added = -1;  ///< the added token's id; -1: still to be cut
};

/// A step that cuts texts (those not added tokens) into smaller ones. Some rewrite them before.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Whether rewrite() does anything.
  virtual bool rewrites() const { return false; }
  virtual void rewrite(AlignedText&) const {}
  /// Appends the parts of one text, from left to right; empty ones are dropped by the caller.
  virtual void cut(std::string_view text, std::vector<Match>& parts) const = 0;
};

/// What becomes of a delimiter, as `tokenizers` names it.
enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

/// Appends the parts of a text of `size` bytes cut at matches, in order and not overlapping;
/// `invert`: what is between them are the delimiters.
void split(size_t size, const std::vector<Match>& matches, bool invert, Behavior behavior,
           std::vector<Match>& out);

/// The second half of ByteLevel: writes bytes in GPT-2's alphabet, and cuts nothing.
class ByteAlphabet : public PreTokenizer {
 public:
  bool rewrites() const override { return true; }
  void rewrite(AlignedText& text) const override;
  void cut(std::string_view text, std::vector<Match>& parts) const override;
};

using PreTokenizers = std::vector<std::unique_ptr<const PreTokenizer>>;

std::unique_ptr<const PreTokenizer> make_bert_pre_tokenizer();
std::unique_ptr<const PreTokenizer> make_split(Regex pattern, bool invert, Behavior behavior);
std::unique_ptr<const PreTokenizer> make_digits(bool individual);
/// ByteLevel: cuts by GPT-2's pattern, or not at all, and writes bytes in GPT-2's alphabet.
void add_byte_level(bool add_prefix_space, bool use_regex, PreTokenizers& steps);

/// "pre_tokenizer" of a tokenizer.json: its steps in order (none for null). `where` starts
/// messages. Throws Error{kBadInput} on what it lacks, and on every kind that is not supported.
PreTokenizers read_pre_tokenizers(const Json& json, const std::string& where);

/// The character that stands for a byte in GPT-2's alphabet.
char32_t byte_character(unsigned char byte);

/// End of the match of GPT-2's pattern that begins at text[begin]; its matches follow one another.
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
size_t gpt2_word(std::string_view text, size_t begin);

}  // namespace ssmi::text
