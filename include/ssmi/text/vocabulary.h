#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ssmi/text/tokenizer.h"

namespace ssmi::text {

/// A byte-level BPE (GPT-2's kind) whose vocabulary is already in memory.
struct ByteLevelBpe {
  std::vector<std::string> tokens;  ///< by id, each byte as GPT-2's alphabet writes it
  std::vector<std::string> merges;  ///< "a b", best first
  std::vector<int64_t> special;     ///< ids whose token is recognised in a text as it stands
  /// How a text is cut before BPE: "gpt2", or a regular expression (Oniguruma's syntax) whose
  /// matches are the words, one after another.
  std::vector<std::string> patterns{"gpt2"};
  bool nfc = false;            ///< texts are put into Unicode's normal form C first
  bool digits_alone = false;   ///< every digit is cut off, before the patterns
  bool ignore_merges = false;  ///< a word that is in the vocabulary is one token
  std::optional<int64_t> bos;  ///< marker put before a text
  std::optional<int64_t> eos;  ///< marker put after it
};

/// WordPiece (BERT's kind) whose vocabulary is already in memory.
struct WordPieceVocabulary {
  std::vector<std::string> tokens;  ///< by id; continuing pieces begin with "##"
  bool lowercase = true;
  bool strip_accents = true;  ///< goes with `lowercase` in all published models
  bool chinese_apart = true;  ///< Chinese characters are words of their own
  std::string unknown = "[UNK]";
  std::string cls = "[CLS]";  ///< marker put before a text
  std::string sep = "[SEP]";  ///< marker put after it
  /// Recognised in a text as they stand, if the vocabulary has them.
  std::vector<std::string> special{"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};
};

/// `where` (a file name) starts every message. Both throw Error{kBadInput} when the vocabulary
/// contradicts itself: a merge of unknown tokens, an id without a token, a pattern that is none.
std::unique_ptr<Tokenizer> make_tokenizer(const ByteLevelBpe& bpe, const std::string& where);
std::unique_ptr<Tokenizer> make_tokenizer(const WordPieceVocabulary& words,
                                          const std::string& where);

}  // namespace ssmi::text
