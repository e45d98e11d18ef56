#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ssmi/core/json.h"
#include "token_map.h"

namespace ssmi::text {

/// What happens to the tokens of a text at last: spans lose their spaces, markers are put around.
struct PostProcessor {
  std::vector<int64_t> before, after;  ///< markers' ids
  /// Cuts spaces off the spans, once for each entry: whether a first token's only leading space
  /// was not in the text.
  std::vector<bool> trims;
};

/// "post_processor" of a tokenizer.json. Throws Error{kBadInput} on what it lacks, and on what is
/// not supported, by name.
PostProcessor read_post_processor(const Json& json, const std::string& where);

}  // namespace ssmi::text
