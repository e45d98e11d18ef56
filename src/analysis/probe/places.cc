#include "places.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "ssmi/core/excerpt.h"

namespace ssmi::probe {
namespace {

/// The class of a count whose upper limits these are: "5 to 8", "above 16".
template <size_t N>
std::string range_of(int64_t count, const std::array<int64_t, N>& limits) {
  const auto limit = std::ranges::lower_bound(limits, count);
  if (limit == limits.end()) return fmt::format("above {}", limits.back());
  const int64_t from = limit == limits.begin() ? 1 : limit[-1] + 1;
  return from == *limit ? fmt::format("{}", from) : fmt::format("{} to {}", from, *limit);
}

constexpr std::array<int64_t, 5> kGaps = {1, 2, 4, 8, 16};
constexpr std::array<int64_t, 4> kLengths = {32, 64, 128, 256};

}  // namespace

TokenPlace place_of(const ParsedFunction& parsed, const code::Function& function, int32_t leaf) {
  const text::Span span = parsed.places[static_cast<size_t>(leaf)];
  const std::string_view code = function.code;
  const auto at = static_cast<size_t>(span.begin);
  const size_t begin = at == 0 ? 0 : code.rfind('\n', at - 1) + 1;  // npos + 1 is 0
  const size_t end = std::min(code.find('\n', at), code.size());
  return {.line = function.line + std::ranges::count(code.substr(0, at), '\n'),
          .column = static_cast<int64_t>(at - begin),
          .text = std::string(parsed.leaf_text(leaf)),
          .source = std::string(code.substr(begin, end - begin))};
}

PairPlace place_of(const Pair& pair, const Corpus& corpus,
                   const std::vector<code::Function>& functions) {
  const ParsedFunction& parsed = corpus.functions[static_cast<size_t>(pair.function)];
  const code::Function& function = functions[parsed.index];
  PairPlace place{function.path, function.name, place_of(parsed, function, pair.first), {}};
  if (pair.second != pair.first) place.second = place_of(parsed, function, pair.second);
  return place;
}

std::vector<std::string> relations_of(const Pair& pair, const TaskInfo& task,
                                      const Corpus& corpus) {
  const ParsedFunction& parsed = corpus.functions[static_cast<size_t>(pair.function)];
  const auto length = static_cast<int64_t>(parsed.leaves.size());
  std::vector<std::string> names;
  const auto add = [&](const std::string& what) {
    names.push_back(fmt::format("{} {}", task.name(), what));
  };
  add(task.labels[static_cast<size_t>(pair.label)]);
  if (task.task == Task::kDistance || task.task == Task::kSiblings) {
    add(fmt::format("of {}", parsed.leaf_text(pair.first)));
  }
  if (!task.is_token()) {
    add(range_of(std::abs(pair.second - pair.first), kGaps) + " leaves away");
  }
  add(range_of(length, kLengths) + " leaves long");
  return names;
}

}  // namespace ssmi::probe
