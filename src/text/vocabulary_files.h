#pragma once

#include <filesystem>
#include <memory>

#include "ssmi/core/json.h"
#include "ssmi/text/tokenizer.h"

namespace ssmi::text {

/// vocab.json and merges.txt of a folder: byte-level BPE as GPT-2 and RoBERTa have it.
/// tokenizer_config.json and special_tokens_map.json, where they are there, name the special
/// tokens. Throws Error{kBadInput} where they or the config name another tokenizer.
std::unique_ptr<Tokenizer> read_bpe_files(const std::filesystem::path& folder, const Json& config);

/// vocab.txt of a folder: WordPiece as BERT has it.
std::unique_ptr<Tokenizer> read_wordpiece_file(const std::filesystem::path& folder,
                                               const Json& config);

/// Throws Error{kBadInput} where a file beside a tokenizer.json adds tokens that it lacks, or asks
/// for another space before a text: the transformers library heeds both.
void require_as_added(const std::filesystem::path& folder, const Tokenizer& tokenizer);

/// Vocabularies beyond this are taken for damage.
constexpr uint64_t kMaxVocabularyFile = uint64_t{256} << 20;

}  // namespace ssmi::text
