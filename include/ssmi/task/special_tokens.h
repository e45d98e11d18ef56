#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ssmi/text/tokenizer.h"

namespace ssmi::task {

/// Ids that stand for no text of a document.
struct SpecialTokens {
  std::optional<int64_t> mask;
  std::vector<int64_t> all;  ///< sorted; mask, markers, padding and the like

  bool contains(int64_t id) const;
};

/// Those a tokenizer has: the markers it puts around a text, and each of the usual names (<s>,
/// [CLS], <|endoftext|> ...) that it reads as one token. The mask is <mask> or [MASK].
SpecialTokens special_tokens(const text::Tokenizer& tokenizer);

}  // namespace ssmi::task
