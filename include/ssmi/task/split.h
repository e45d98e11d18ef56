#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ssmi::task {

/// What is held out or trained on as a whole: a package, or a file where no package is known.
struct Group {
  std::string name;
  int64_t bytes = 0;  ///< of its texts
};

/// The share of all bytes that may be held out.
constexpr double kHeldOutShare = 0.05;

/// For each group whether it is held out. Groups are visited in the order of
/// SHA-256("<seed>:<name>") and held out while they fit in kHeldOutShare of the bytes; where none
/// does the smallest one is, unless it is the only one. Bytes, not tokens, so that all tokenizers
/// part a corpus alike; scripts/train_vocabulary has the same rule.
std::vector<bool> held_out(std::span<const Group> groups, uint64_t seed);

}  // namespace ssmi::task
