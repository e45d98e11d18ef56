#include "pre_tokenizer.h"

namespace ssmi::text {
namespace {

struct Part {
  size_t begin, end;
  bool delimiter;
};

/// Calls each(part) for all of the text: matches and what lies between them.
template <typename Each>
void visit(size_t size, const std::vector<Match>& matches, bool invert, Each each) {
  size_t done = 0;
  for (const auto& [begin, end] : matches) {
    if (done < begin) each(Part{done, begin, invert});
    each(Part{begin, end, !invert});
    done = end;
  }
  if (done < size) each(Part{done, size, invert});
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

void split(size_t size, const std::vector<Match>& matches, bool invert, Behavior behavior,
           std::vector<Match>& out) {
  if (behavior == Behavior::kIsolated || behavior == Behavior::kRemoved) {
    return visit(size, matches, invert, [&](const Part& part) {
      if (behavior == Behavior::kIsolated || !part.delimiter)
        out.emplace_back(part.begin, part.end);
    });
  }
  std::vector<Part> parts;
  visit(size, matches, invert, [&](const Part& part) { parts.push_back(part); });
  if (behavior == Behavior::kContiguous) {
    parts = joined(parts, [](bool now, bool before) { return now == before; });
  } else if (behavior == Behavior::kMergedWithPrevious) {
    parts = joined(parts, [](bool now, bool before) { return now && !before; });
  } else {
    parts = joined_with_next(parts);
  }
  for (const Part& part : parts)
    out.emplace_back(part.begin, part.end);
}

}  // namespace ssmi::text
