#pragma once

#include <span>
#include <vector>

#include "ssmi/code/leaves.h"
#include "ssmi/text/tokenizer.h"

namespace ssmi::code {

/// For each leaf the tokens [begin, end) whose spans share a byte with it; an empty range where
/// there is none (truncated text). Neither end of the tokens' spans may ever decrease.
std::vector<text::Span> align(std::span<const text::Span> tokens, const Leaves& leaves);
/// The same for leaves given by their bytes, in a text other than their own source.
std::vector<text::Span> align(std::span<const text::Span> tokens,
                              std::span<const text::Span> leaves);

}  // namespace ssmi::code
