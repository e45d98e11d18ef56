#pragma once

#include <cstdint>
#include <span>

#include "ssmi/core/random.h"

namespace ssmi::probe {

struct Interval {
  double low = 0, high = 0;
};

/// The 95 % percentile interval (Efron 1979) of the accuracy over items that come in groups (test
/// functions): each resample draws as many groups as there are, with replacement, and counts all
/// their items. `correct` and `group` have one entry an item; groups are any integers. With a
/// single group every resample is the same, and low = high = the accuracy: no interval, then.
/// Percentiles are interpolated linearly. {0, 0} for no items.
Interval bootstrap_accuracy(std::span<const uint8_t> correct, std::span<const int64_t> group,
                            Random& random, int64_t resamples = 2000);

}  // namespace ssmi::probe
