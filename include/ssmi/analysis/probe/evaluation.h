#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ssmi/analysis/probe/pairs.h"

namespace ssmi::probe {

/// How well predictions agree with the labels of test pairs.
struct Evaluation {
  double accuracy = 0;
  double low = 0, high = 0;  ///< 95 % interval by bootstrap over test functions
  std::vector<double>
      per_label_accuracy;          ///< by label; not a number for a label without test pairs
  double mean_label_accuracy = 0;  ///< over the labels that have test pairs
  std::vector<std::vector<int64_t>> confusion;  ///< [label][prediction]
};

/// What a probe is judged on: labels from 0, and what each item comes from (its function; any
/// integers), which is what is drawn for intervals.
struct TestItems {
  std::vector<int64_t> label, group;
};

/// `predicted` are labels too. `stream` names the bootstrap's random stream.
Evaluation evaluate(const TestItems& test, std::span<const int64_t> predicted, size_t labels,
                    uint64_t seed, std::string_view stream);

}  // namespace ssmi::probe
