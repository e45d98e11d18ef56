#include "ssmi/task/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace ssmi::task {
namespace {

struct Group {
  int64_t correct = 0, items = 0;
};

double percentile(const std::vector<double>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - std::floor(position));
}

}  // namespace

Interval percentile_interval(const std::vector<double>& sorted) {
  return {percentile(sorted, 0.025), percentile(sorted, 0.975)};
}

Interval bootstrap(size_t items, const Statistic& statistic, Random& random, int64_t resamples) {
  if (items == 0 || resamples <= 0) return {};
  std::vector<double> values(static_cast<size_t>(resamples));
  std::vector<size_t> drawn(items);
  for (double& value : values) {
    for (size_t& item : drawn)
      item = random.below(items);
    value = statistic(drawn);
  }
  std::ranges::sort(values);
  return percentile_interval(values);
}

Interval bootstrap_accuracy(std::span<const uint8_t> correct, std::span<const int64_t> group,
                            Random& random, int64_t resamples) {
  std::map<int64_t, Group> by_group;
  for (size_t i = 0; i < correct.size(); ++i) {
    Group& own = by_group[group[i]];
    own.correct += correct[i] != 0 ? 1 : 0;
    ++own.items;
  }
  std::vector<Group> groups;
  for (const auto& [id, counts] : by_group)
    groups.push_back(counts);
  const auto accuracy = [&](std::span<const size_t> drawn) {
    Group sum;
    for (const size_t i : drawn) {
      sum.correct += groups[i].correct;
      sum.items += groups[i].items;
    }
    return static_cast<double>(sum.correct) / static_cast<double>(sum.items);
  };
  return bootstrap(groups.size(), accuracy, random, resamples);
}

}  // namespace ssmi::task
