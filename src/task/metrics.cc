#include "ssmi/task/metrics.h"

#include <cmath>
#include <numeric>

namespace ssmi::task {
namespace {

/// The statistic of all units, once each.
double whole(const Measure& measure) {
  if (measure.count == 0) return 0;
  std::vector<size_t> each(measure.units);
  std::iota(each.begin(), each.end(), size_t{0});
  return measure.statistic(each);
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
  bool has(size_t c) const { return gold[c] + predicted[c] > 0; }
  double f1(size_t c) const {
    return ratio(2 * static_cast<double>(both[c]), static_cast<double>(gold[c] + predicted[c]));
  }
  double f1_weighted() const {
    double sum = 0;
    for (size_t c = 0; c < gold.size(); ++c)
      sum += static_cast<double>(gold[c]) * f1(c);
    return ratio(sum, static_cast<double>(count));
  }
  /// The mean over the classes that `all` has; one that is not here has its F1 there.
  double f1_macro(const Confusion& all) const {
    double sum = 0, classes = 0;
    for (size_t c = 0; c < gold.size(); ++c) {
      if (!all.has(c)) continue;
      sum += has(c) ? f1(c) : all.f1(c);
      classes += 1;
    }
    return ratio(sum, classes);
  }

  std::vector<int64_t> gold, predicted, both;
  int64_t count = 0;
};

template <typename Value>
Measure of_confusion(std::span<const Classified> units, int64_t classes, Value value) {
  int64_t count = 0;
  for (const Classified& unit : units)
    count += static_cast<int64_t>(unit.gold.size());
  return {units.size(), count, [=](std::span<const size_t> drawn) {
            Confusion confusion(classes);
            for (const size_t i : drawn)
              confusion.add(units[i]);
            return value(confusion);
          }};
}

}  // namespace

TokenScore& TokenScore::operator+=(const TokenScore& other) {
  count += other.count;
  correct += other.correct;
  surprise += other.surprise;
  return *this;
}

Metric measured(const Measure& model, const std::optional<Measure>& baseline,
                const std::optional<Measure>& against, Random& random) {
  if (model.count == 0) return {};
  Random same = random;  // so that the same test sets are drawn
  const Interval own = bootstrap(model.units, model.statistic, random);
  Metric metric{whole(model), own.low, own.high, model.count, {}, {}};
  if (baseline) metric.baseline = whole(*baseline);
  if (!against) return metric;
  const auto more = [&](std::span<const size_t> drawn) {
    return model.statistic(drawn) - against->statistic(drawn);
  };
  const Interval interval = bootstrap(model.units, more, same);
  const double other = whole(*against);
  metric.against = {other, metric.value - other, interval.low, interval.high};
  return metric;
}

Measure token_accuracy(std::span<const TokenScore> documents) {
  return {documents.size(), tokens_of(documents), [=](std::span<const size_t> drawn) {
            const TokenScore sum = sum_of(documents, drawn);
            return ratio(static_cast<double>(sum.correct), static_cast<double>(sum.count));
          }};
}

Measure perplexity(std::span<const TokenScore> documents) {
  return {documents.size(), tokens_of(documents), [=](std::span<const size_t> drawn) {
            const TokenScore sum = sum_of(documents, drawn);
            return std::exp(ratio(sum.surprise, static_cast<double>(sum.count)));
          }};
}

Measure mean_reciprocal_rank(std::span<const int64_t> ranks) {
  return {ranks.size(), static_cast<int64_t>(ranks.size()), [=](std::span<const size_t> drawn) {
            double sum = 0;
            for (const size_t i : drawn)
              sum += 1 / static_cast<double>(ranks[i]);
            return sum / static_cast<double>(drawn.size());
          }};
}

Measure class_accuracy(std::span<const Classified> units, int64_t classes) {
  return of_confusion(units, classes, [](const Confusion& c) { return c.accuracy(); });
}

Measure f1_macro(std::span<const Classified> units, int64_t classes) {
  Confusion all(classes);
  for (const Classified& unit : units)
    all.add(unit);
  return of_confusion(units, classes, [all](const Confusion& c) { return c.f1_macro(all); });
}

Measure f1_weighted(std::span<const Classified> units, int64_t classes) {
  return of_confusion(units, classes, [](const Confusion& c) { return c.f1_weighted(); });
}

}  // namespace ssmi::task
