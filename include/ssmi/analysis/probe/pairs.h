#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ssmi/analysis/probe/candidates.h"
#include "ssmi/core/random.h"

namespace ssmi::probe {

enum class Part : uint8_t { kTrain, kValidation, kTest };
inline constexpr std::array kParts{Part::kTrain, Part::kValidation, Part::kTest};
/// Of functions and of pairs.
inline constexpr std::array kPartShare{0.7, 0.1, 0.2};
/// A part's share of `count` things.
int64_t share_of(int64_t count, Part part);

struct Pair {
  int32_t function;  ///< index into the corpus
  int32_t first;     ///< leaf
  int32_t second;    ///< leaf; `first` again of a task of single leaves
  int32_t label;     ///< index into TaskInfo::labels
};

/// The drawn pairs of one task, part by part, label by label, in the order they were drawn.
struct PairSet {
  const TaskInfo* task = nullptr;
  int64_t per_label = 0;  ///< asked for, over all parts
  std::array<std::vector<Pair>, 3> parts;

  const std::vector<Pair>& part(Part which) const { return parts[static_cast<size_t>(which)]; }
  /// Those of training, then those of validation: what a probe is fitted to in the end.
  std::vector<Pair> training() const;
  /// The same draw with only the first `count` pairs a label, shared out over the parts.
  PairSet first(int64_t count) const;
};

enum class Split { kFunction, kPair };

/// Draws pairs evenly over the functions: a function gives its next pair of a label only after all
/// others gave one. `candidates[f]` are function f's pairs, labels as in TaskInfo. With
/// Split::kFunction a function's pairs all lie in the part `part_of[f]`; with kPair each pair is
/// dealt by itself, as in the published experiments, where train and test share functions.
PairSet draw_pairs(const TaskInfo& task, std::span<const std::vector<Candidate>> candidates,
                   std::span<const Part> part_of, Split split, int64_t per_label, uint64_t seed);

/// Deals functions to parts by kPartShare.
std::vector<Part> deal_functions(size_t count, uint64_t seed);
/// The same anew for training and test: those of validation stay, so that what is chosen on them
/// was never tested on, in whatever deal.
std::vector<Part> deal_again(std::vector<Part> parts, uint64_t seed);

}  // namespace ssmi::probe
