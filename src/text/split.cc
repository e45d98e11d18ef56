#include "pre_tokenizer.h"

namespace ssmi::text {
namespace {

struct Part {
  size_t begin, end;
  bool delimiter;
};

/// All of the text: matches and what lies between them.
std::vector<Part> parts_of(size_t size, const std::vector<Match>& matches, bool invert) {
  std::vector<Part> parts;
  size_t done = 0;
  for (const auto& [begin, end] : matches) {
    if (done < begin) parts.push_back({done, begin, invert});
    parts.push_back({begin, end, !invert});
    done = end;
  }
  if (done < size) parts.push_back({done, size, invert});
  return parts;
}

/// Joins each part with the one before where join(part, that one) holds.
template <typename Join>
std::vector<Part> joined(const std::vector<Part>& parts, Join join) {
  std::vector<Part> out;
  bool before = false;
  for (const Part& part : parts) {
    if (!out.empty() && join(part.delimiter, before)) {
      out.back().end = part.end;
    } else {
      out.push_back(part);
    }
    before = part.delimiter;
  }
  return out;
}

/// Delimiters go to what follows them; of several in a row only the last one does.
std::vector<Part> joined_with_next(const std::vector<Part>& parts) {
  std::vector<Part> out;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool goes_on = i > 0 && parts[i - 1].delimiter && !parts[i].delimiter;
    if (goes_on) {
      out.back().end = parts[i].end;
    } else {
      out.push_back(parts[i]);
    }
  }
  return out;
}

}  // namespace

void split(const AlignedText& text, const std::vector<Match>& matches, bool invert,
           Behavior behavior, std::vector<AlignedText>& out) {
  std::vector<Part> parts = parts_of(text.text().size(), matches, invert);
  switch (behavior) {
    case Behavior::kRemoved:
      std::erase_if(parts, [](const Part& part) { return part.delimiter; });
      break;
    case Behavior::kIsolated:
      break;
    case Behavior::kContiguous:
      parts = joined(parts, [](bool now, bool before) { return now == before; });
      break;
    case Behavior::kMergedWithPrevious:
      parts = joined(parts, [](bool now, bool before) { return now && !before; });
      break;
    case Behavior::kMergedWithNext:
      parts = joined_with_next(parts);
      break;
  }
  for (const Part& part : parts)
    if (part.begin < part.end) out.push_back(text.slice(part.begin, part.end));
}

}  // namespace ssmi::text
