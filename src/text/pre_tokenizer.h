#pragma once

#include <memory>
#include <string>
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

/// A step that cuts pieces (those not added tokens) into smaller ones, rewriting some.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Appends the parts of one piece; empty ones are dropped by the caller.
  virtual void cut(AlignedText piece, std::vector<AlignedText>& out) const = 0;
};

/// What becomes of a delimiter, as `tokenizers` names it.
enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

/// Cuts a text at matches, in order and not overlapping; `invert`: what is between them are the
/// delimiters.
void split(const AlignedText& text, const std::vector<Match>& matches, bool invert,
           Behavior behavior, std::vector<AlignedText>& out);

/// ByteLevel: cuts by GPT-2's pattern, or not at all, and writes bytes in GPT-2's alphabet (unless
/// that is left to who cuts the words into tokens).
class ByteLevel : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool use_regex, bool writes = true)
      : add_prefix_space_(add_prefix_space), use_regex_(use_regex), writes_(writes) {}
  void cut(AlignedText piece, std::vector<AlignedText>& out) const override;
  bool add_prefix_space() const { return add_prefix_space_; }
  bool use_regex() const { return use_regex_; }

 private:
  bool add_prefix_space_, use_regex_, writes_;
};

using PreTokenizers = std::vector<std::unique_ptr<const PreTokenizer>>;

std::unique_ptr<const PreTokenizer> make_bert_pre_tokenizer();
std::unique_ptr<const PreTokenizer> make_split(Regex pattern, bool invert, Behavior behavior);
std::unique_ptr<const PreTokenizer> make_digits(bool individual);

/// "pre_tokenizer" of a tokenizer.json: its steps in order (none for null). `where` starts
/// messages. Throws Error{kBadInput} on what it lacks, and on every kind that is not supported.
PreTokenizers read_pre_tokenizers(const Json& json, const std::string& where);

/// The character that stands for a byte in GPT-2's alphabet.
char32_t byte_character(unsigned char byte);

/// End of the match of GPT-2's pattern that begins at text[begin]; its matches follow one another.
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
size_t gpt2_word(std::string_view text, size_t begin);

}  // namespace ssmi::text
