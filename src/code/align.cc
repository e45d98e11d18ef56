#include "ssmi/code/align.h"

#include <algorithm>

namespace ssmi::code {

std::vector<text::Span> align(std::span<const text::Span> tokens, const Leaves& leaves) {
  std::vector<text::Span> spans;
  for (const Leaf& leaf : leaves.all())
    spans.push_back({leaf.begin, leaf.end});
  return align(tokens, spans);
}

std::vector<text::Span> align(std::span<const text::Span> tokens,
                              std::span<const text::Span> leaves) {
  std::vector<text::Span> ranges;
  ranges.reserve(leaves.size());
  for (const text::Span& leaf : leaves) {
    const auto ends_before = [&](const text::Span& token) { return token.end <= leaf.begin; };
    const auto begins_inside = [&](const text::Span& token) { return token.begin < leaf.end; };
    const auto first = std::partition_point(tokens.begin(), tokens.end(), ends_before);
    const auto last = std::partition_point(first, tokens.end(), begins_inside);
    ranges.push_back({first - tokens.begin(), last - tokens.begin()});
  }
  return ranges;
}

}  // namespace ssmi::code
