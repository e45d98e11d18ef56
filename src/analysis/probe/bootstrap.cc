#include "ssmi/analysis/probe/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace ssmi::probe {
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

Interval bootstrap_accuracy(std::span<const uint8_t> correct, std::span<const int64_t> group,
                            Random& random, int64_t resamples) {
  std::map<int64_t, Group> by_group;
  for (size_t i = 0; i < correct.size(); ++i) {
    Group& own = by_group[group[i]];
    own.correct += correct[i] != 0 ? 1 : 0;
    ++own.items;
  }
  if (by_group.empty() || resamples <= 0) return {};
  std::vector<Group> groups;
  for (const auto& [id, counts] : by_group)
    groups.push_back(counts);

  std::vector<double> accuracies(static_cast<size_t>(resamples));
  for (double& accuracy : accuracies) {
    Group sum;
    for (size_t i = 0; i < groups.size(); ++i) {
      const Group& drawn = groups[random.below(groups.size())];
      sum.correct += drawn.correct;
      sum.items += drawn.items;
    }
    accuracy = static_cast<double>(sum.correct) / static_cast<double>(sum.items);
  }
  std::sort(accuracies.begin(), accuracies.end());
  return {percentile(accuracies, 0.025), percentile(accuracies, 0.975)};
}

}  // namespace ssmi::probe
