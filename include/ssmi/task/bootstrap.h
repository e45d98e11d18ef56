#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "ssmi/core/random.h"

namespace ssmi::task {

struct Interval {
  double low = 0, high = 0;
};

/// A value computed from items (a multiset of indices).
using Statistic = std::function<double(std::span<const size_t> items)>;

/// The 95 % percentile interval (Efron 1979) of resampled values in rising order, of which there is
/// at least one; percentiles are interpolated linearly.
Interval percentile_interval(const std::vector<double>& sorted);

/// The same of a statistic over `items` independent items: each resample draws as many as there
/// are, with replacement.
/// {0, 0} for no items; a single one gives its own value twice, which is no interval.
Interval bootstrap(size_t items, const Statistic& statistic, Random& random,
                   int64_t resamples = 2000);

/// The same of the share of correct items where items come in groups (test functions): groups are
/// drawn, with all their items. `correct` and `group` have one entry an item; groups are any
/// integers.
Interval bootstrap_accuracy(std::span<const uint8_t> correct, std::span<const int64_t> group,
                            Random& random, int64_t resamples = 2000);

}  // namespace ssmi::task
