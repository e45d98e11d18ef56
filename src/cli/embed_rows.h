#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ssmi/core/progress.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/text/tokenizer.h"

namespace ssmi::cli {

/// Rows of ids and where each starts in its padded row of `width` columns.
struct EmbedRows {
  std::vector<std::vector<int64_t>> ids;
  std::vector<int64_t> start;
  int64_t width = 0;
  // Of texts alone:
  std::vector<std::vector<text::Span>> spans;  ///< of each token, bytes of its text
  std::vector<int64_t> index;                  ///< the text's place among those that were given

  size_t size() const { return ids.size(); }
};

/// The rows of a safetensors file with input_ids [B, T] and perhaps attention_mask [B, T]. Throws
/// Error{kBadInput}.
EmbedRows rows_of_ids(const std::string& path);

/// The texts as the tokenizer reads them; those that are empty or longer than `max_tokens` are left
/// out and a note says how many.
EmbedRows rows_of_texts(const std::vector<std::string>& texts, const text::Tokenizer& tokenizer,
                        int64_t max_tokens, Progress& progress);

}  // namespace ssmi::cli
