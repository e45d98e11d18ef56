#include "ssmi/task/metrics.h"

#include <cmath>

#include "ssmi/task/bootstrap.h"

namespace ssmi::task {
namespace {

/// A statistic of all units once each, with its interval.
Metric with_interval(size_t units, int64_t count, const Statistic& statistic, Random& random) {
  if (count == 0) return {};
  std::vector<size_t> each(units);
  for (size_t i = 0; i < units; ++i)
    each[i] = i;
  const Interval interval = bootstrap(units, statistic, random);
  return {statistic(each), interval.low, interval.high, count, {}};
}

TokenScore sum_of(std::span<const TokenScore> documents, std::span<const size_t> drawn) {
  TokenScore sum;
  for (const size_t i : drawn)
    sum += documents[i];
  return sum;
}

int64_t tokens_of(std::span<const TokenScore> documents) {
  int64_t count = 0;
  for (const TokenScore& document : documents)
    count += document.count;
  return count;
}

double ratio(double part, double whole) {
  return whole == 0 ? 0 : part / whole;
}

/// How often each class is gold, predicted and both.
struct Confusion {
  explicit Confusion(int64_t classes)
      : gold(static_cast<size_t>(classes)), predicted(gold), both(gold) {}

  void add(const Classified& unit) {
    for (size_t i = 0; i < unit.gold.size(); ++i) {
      ++gold[static_cast<size_t>(unit.gold[i])];
      ++predicted[static_cast<size_t>(unit.predicted[i])];
      if (unit.gold[i] == unit.predicted[i]) ++both[static_cast<size_t>(unit.gold[i])];
      ++count;
    }
  }
  double accuracy() const {
    double right = 0;
    for (const int64_t n : both)
      right += static_cast<double>(n);
    return ratio(right, static_cast<double>(count));
  }
  double f1(bool weighted) const {
    double sum = 0, weight = 0;
    for (size_t c = 0; c < gold.size(); ++c) {
      if (gold[c] + predicted[c] == 0) continue;
      const double own = weighted ? static_cast<double>(gold[c]) : 1;
      sum += own * 2 * static_cast<double>(both[c]) / static_cast<double>(gold[c] + predicted[c]);
      weight += own;
    }
    return ratio(sum, weight);
  }

  std::vector<int64_t> gold, predicted, both;
  int64_t count = 0;
};

}  // namespace

TokenScore& TokenScore::operator+=(const TokenScore& other) {
  count += other.count;
  correct += other.correct;
  surprise += other.surprise;
  return *this;
}

Metric token_accuracy(std::span<const TokenScore> documents, Random& random) {
  const auto accuracy = [&](std::span<const size_t> drawn) {
    const TokenScore sum = sum_of(documents, drawn);
    return ratio(static_cast<double>(sum.correct), static_cast<double>(sum.count));
  };
  return with_interval(documents.size(), tokens_of(documents), accuracy, random);
}

Metric perplexity(std::span<const TokenScore> documents, Random& random) {
  const auto exponential = [&](std::span<const size_t> drawn) {
    const TokenScore sum = sum_of(documents, drawn);
    return std::exp(ratio(sum.surprise, static_cast<double>(sum.count)));
  };
  return with_interval(documents.size(), tokens_of(documents), exponential, random);
}

Metric mean_reciprocal_rank(std::span<const int64_t> ranks, Random& random) {
  const auto mean = [&](std::span<const size_t> drawn) {
    double sum = 0;
    for (const size_t i : drawn)
      sum += 1 / static_cast<double>(ranks[i]);
    return sum / static_cast<double>(drawn.size());
  };
  return with_interval(ranks.size(), static_cast<int64_t>(ranks.size()), mean, random);
}

ClassMetrics class_metrics(std::span<const Classified> units, int64_t classes, Random& random) {
  int64_t count = 0;
  for (const Classified& unit : units)
    count += static_cast<int64_t>(unit.gold.size());
  const auto metric = [&](auto value_of) {
    const auto statistic = [&](std::span<const size_t> drawn) {
      Confusion confusion(classes);
      for (const size_t i : drawn)
        confusion.add(units[i]);
      return value_of(confusion);
    };
    return with_interval(units.size(), count, statistic, random);
  };
  ClassMetrics metrics;
  metrics.accuracy = metric([](const Confusion& c) { return c.accuracy(); });
  metrics.f1_macro = metric([](const Confusion& c) { return c.f1(false); });
  metrics.f1_weighted = metric([](const Confusion& c) { return c.f1(true); });
  return metrics;
}

}  // namespace ssmi::task
