#include "ssmi/analysis/probe/compare.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>

#include "ssmi/core/error.h"
#include "ssmi/core/progress.h"
#include "ssmi/core/random.h"
#include "ssmi/task/bootstrap.h"

namespace ssmi::probe {
namespace {

/// Counts of some pairs of a draw.
struct Counts {
  double more = 0;  ///< right answers of the checkpoint less the base's
  double base = 0;  ///< right answers of the base
  double pairs = 0;

  void add(const Counts& other) {
    more += other.more;
    base += other.base;
    pairs += other.pairs;
  }
};

/// In all, and for each test function that has any.
struct Sums {
  Counts all;
  std::map<size_t, Counts> of_function;
};

/// A difference to judge: its sums in each draw.
struct Contrast {
  Difference difference;
  std::vector<Sums> draws;
};

using Key = std::tuple<std::string, std::string, int64_t, int64_t>;  // checkpoint ... draw

class Comparing {
 public:
  Comparing(const std::string& base, const std::string& checkpoint,
            const std::vector<TestPairs>& tests, const std::vector<Answers>& answers)
      : base_(base), checkpoint_(checkpoint), tests_(tests) {
    for (const Answers& one : answers)
      answers_.emplace(Key{one.checkpoint, one.task, one.layer, one.draw}, &one);
    for (const TestPairs& test : tests) {
      draws_ = std::max(draws_, test.draw + 1);
      if (test.draw == 0) tasks_.push_back(test.task);
    }
    for (const TestPairs& test : tests) {
      for (const int64_t function : test.items.group)
        functions_.emplace(function, functions_.size());
    }
  }

  Comparison run(const CompareOptions& options) const {
    Comparison result;
    result.base = base_;
    result.checkpoint = checkpoint_;
    result.draws = draws_;
    std::vector<Contrast> contrasts;
    for (const std::string& task : tasks_) {
      for (const int64_t layer : layers(task))
        contrasts.push_back(contrast(task, "", layer));
    }
    const size_t of_layers = contrasts.size();
    for (const std::string& task : tasks_) {
      const auto block = best_block(task);
      if (!block) continue;
      result.chosen[task] = *block;
      for (const std::string& relation : relations(task)) {
        Contrast one = contrast(task, relation, *block);
        if (one.difference.pairs >= options.least_pairs) contrasts.push_back(std::move(one));
      }
    }
    // Of a family of m nothing can be shown by fewer than 40 m: the least p is 2 / (resamples + 1).
    const size_t family = std::max(of_layers, contrasts.size() - of_layers);
    result.resamples =
        std::clamp(100 * static_cast<int64_t>(family), options.resamples, 5 * options.resamples);
    judge(contrasts, result.resamples, options.seed);
    for (size_t i = 0; i < contrasts.size(); ++i) {
      (i < of_layers ? result.layers : result.relations).push_back(contrasts[i].difference);
    }
    correct(result.layers);
    correct(result.relations);
    std::ranges::stable_sort(result.relations, {}, &Difference::difference);
    return result;
  }

 private:
  const Answers* find(const std::string& checkpoint, const std::string& task, int64_t layer,
                      int64_t draw) const {
    const auto found = answers_.find(Key{checkpoint, task, layer, draw});
    return found == answers_.end() ? nullptr : found->second;
  }
  const Answers& at(const std::string& checkpoint, const std::string& task, int64_t layer,
                    int64_t draw) const {
    const Answers* found = find(checkpoint, task, layer, draw);
    if (found == nullptr) {
      fail(ExitCode::kBug, "no answers of {} for {}, layer {}, draw {}", checkpoint, task, layer,
           draw);
    }
    return *found;
  }

  /// Those that both have.
  std::vector<int64_t> layers(const std::string& task) const {
    std::vector<int64_t> both;
    for (const auto& [key, answers] : answers_) {
      const auto& [checkpoint, of, layer, draw] = key;
      if (checkpoint == base_ && of == task && draw == 0 && find(checkpoint_, task, layer, 0)) {
        both.push_back(layer);
      }
    }
    return both;
  }

  std::optional<int64_t> best_block(const std::string& task) const {
    std::vector<Validated> validated;
    for (const int64_t layer : layers(task)) {
      for (int64_t draw = 0; draw < draws_; ++draw)
        validated.push_back({layer, at(base_, task, layer, draw).validation_accuracy});
    }
    return probe::best_block(validated);
  }

  std::set<std::string> relations(const std::string& task) const {
    std::set<std::string> names;
    for (const TestPairs& test : tests_) {
      if (test.task != task) continue;
      for (const auto& of_pair : test.relations)
        names.insert(of_pair.begin(), of_pair.end());
    }
    return names;
  }

  Sums sums(const TestPairs& test, const std::string& relation, int64_t layer) const {
    const auto& before = at(base_, test.task, layer, test.draw).predicted;
    const auto& after = at(checkpoint_, test.task, layer, test.draw).predicted;
    if (before.size() != test.items.label.size() || after.size() != before.size()) {
      fail(ExitCode::kBug, "{}: answers to other pairs than these", test.task);
    }
    Sums sums;
    for (size_t i = 0; i < before.size(); ++i) {
      const auto& of_pair = test.relations[i];
      if (!relation.empty() && std::ranges::find(of_pair, relation) == of_pair.end()) continue;
      const int64_t label = test.items.label[i];
      const double was = before[i] == label ? 1 : 0, is = after[i] == label ? 1 : 0;
      const Counts one{is - was, was, 1};
      sums.all.add(one);
      sums.of_function[functions_.at(test.items.group[i])].add(one);
    }
    return sums;
  }

  Contrast contrast(const std::string& task, const std::string& relation, int64_t layer) const {
    Contrast result;
    Difference& difference = result.difference;
    difference.task = task;
    difference.relation = relation;
    difference.layer = layer;
    difference.pairs = std::numeric_limits<int64_t>::max();
    for (const TestPairs& test : tests_) {
      if (test.task != task) continue;
      const auto& [more, base, pairs] = result.draws.emplace_back(sums(test, relation, layer)).all;
      const double share = std::max(pairs, 1.0) * static_cast<double>(draws_);
      difference.pairs = std::min(difference.pairs, static_cast<int64_t>(pairs));
      difference.base += base / share;
      difference.accuracy += (base + more) / share;
      difference.difference += more / share;
    }
    difference.base = std::min(difference.base, 1.0);  // whatever rounding did to the sums
    difference.accuracy = std::min(difference.accuracy, 1.0);
    return result;
  }

  /// Which draws are in it, and how often each function is, whatever the draw: the functions that
  /// draws share are no other ones in each of them.
  struct Resample {
    std::vector<size_t> draws;
    std::vector<double> times;
  };

  Resample resample(Random& random) const {
    Resample drawn{{}, std::vector<double>(functions_.size(), 0)};
    for (int64_t i = 0; i < draws_; ++i)
      drawn.draws.push_back(random.below(static_cast<uint64_t>(draws_)));
    for (size_t k = 0; k < functions_.size(); ++k)
      drawn.times[random.below(functions_.size())] += 1;
    return drawn;
  }

  /// Fills low, high and p.
  void judge(std::vector<Contrast>& contrasts, int64_t resamples, uint64_t seed) const {
    std::vector<std::vector<double>> values(contrasts.size(),
                                            std::vector<double>(static_cast<size_t>(resamples)));
    at::parallel_for(0, resamples, 64, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        check_interrupted();
        Random random(seed, fmt::format("compare/{}", r));
        const auto drawn = resample(random);
        for (size_t c = 0; c < contrasts.size(); ++c)
          values[c][static_cast<size_t>(r)] = value(contrasts[c], drawn);
      }
    });
    for (size_t c = 0; c < contrasts.size(); ++c)
      summarise(values[c], contrasts[c].difference);
  }

  static double value(const Contrast& contrast, const Resample& drawn) {
    std::vector<std::optional<double>> of_draw;
    for (const Sums& sums : contrast.draws) {
      double more = 0, pairs = 0;
      for (const auto& [function, counts] : sums.of_function) {
        more += drawn.times[function] * counts.more;
        pairs += drawn.times[function] * counts.pairs;
      }
      of_draw.push_back(pairs > 0 ? std::optional(more / pairs) : std::nullopt);
    }
    double sum = 0, counted = 0;
    for (const size_t draw : drawn.draws) {
      sum += of_draw[draw].value_or(0);
      counted += of_draw[draw] ? 1 : 0;
    }
    return counted == 0 ? 0 : sum / counted;
  }

  static void summarise(std::vector<double>& values, Difference& difference) {
    std::ranges::sort(values);
    const auto count = static_cast<double>(values.size());
    const auto [low, high] = task::percentile_interval(values);
    difference.low = low;
    difference.high = high;
    const auto at_most =
        static_cast<double>(std::ranges::upper_bound(values, 0.0) - values.begin());
    const auto at_least = static_cast<double>(values.end() - std::ranges::lower_bound(values, 0.0));
    difference.p = std::min(1.0, 2 * (std::min(at_most, at_least) + 1) / (count + 1));
  }

  static void correct(std::vector<Difference>& family) {
    std::vector<double> p;
    for (const Difference& one : family)
      p.push_back(one.p);
    const std::vector<double> corrected = holm(p);
    for (size_t i = 0; i < family.size(); ++i)
      family[i].p_holm = corrected[i];
  }

  const std::string& base_;
  const std::string& checkpoint_;
  const std::vector<TestPairs>& tests_;
  std::map<Key, const Answers*> answers_;
  std::vector<std::string> tasks_;
  int64_t draws_ = 0;
  std::map<int64_t, size_t> functions_;  // that some draw tests on -> place
};

/// Of the first draw at the checkpoint's best block; nullptr where there is none.
const Answers* best_answers(const std::string& checkpoint, const std::string& task,
                            const std::vector<Answers>& answers) {
  std::vector<const Answers*> own;
  std::vector<Validated> validated;
  for (const Answers& one : answers) {
    if (one.checkpoint != checkpoint || one.task != task) continue;
    own.push_back(&one);
    validated.push_back({one.layer, one.validation_accuracy});
  }
  const auto block = best_block(validated);
  const auto found = std::ranges::find_if(
      own, [&](const Answers* one) { return one->layer == block && one->draw == 0; });
  return found == own.end() ? nullptr : *found;
}

RelationAccuracy accuracy_of(const TestPairs& test, const Answers& answers,
                             const std::string& relation, const std::vector<size_t>& items,
                             uint64_t seed) {
  std::vector<uint8_t> right;
  std::vector<int64_t> function;
  for (const size_t i : items) {
    right.push_back(answers.predicted[i] == test.items.label[i] ? 1 : 0);
    function.push_back(test.items.group[i]);
  }
  Random random(seed, fmt::format("bootstrap/{}", relation));
  const task::Interval interval = task::bootstrap_accuracy(right, function, random);
  const auto count = static_cast<double>(right.size());
  return {answers.checkpoint,
          test.task,
          relation,
          answers.layer,
          static_cast<int64_t>(right.size()),
          std::accumulate(right.begin(), right.end(), 0.0) / count,
          interval.low,
          interval.high};
}

}  // namespace

std::optional<int64_t> best_block(std::span<const Validated> validated) {
  struct Mean {
    double sum = 0, draws = 0;
  };
  std::map<int64_t, Mean> blocks;
  for (const auto& [layer, accuracy] : validated) {
    if (layer == 0) continue;
    blocks[layer].sum += accuracy;
    blocks[layer].draws += 1;
  }
  const auto best = std::ranges::max_element(  // the first of equals
      blocks, {}, [](const auto& block) { return block.second.sum / block.second.draws; });
  return best == blocks.end() ? std::nullopt : std::optional(best->first);
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return p[i]; });
  std::vector<double> corrected(p.size());
  double least = 0;
  for (size_t k = 0; k < order.size(); ++k) {
    least = std::max(least, std::min(1.0, static_cast<double>(p.size() - k) * p[order[k]]));
    corrected[order[k]] = least;
  }
  return corrected;
}

std::vector<RelationAccuracy> breakdown(const std::string& checkpoint,
                                        const std::vector<TestPairs>& tests,
                                        const std::vector<Answers>& answers,
                                        const CompareOptions& options) {
  std::vector<RelationAccuracy> all;
  for (const TestPairs& test : tests) {
    if (test.draw != 0) continue;
    const Answers* best = best_answers(checkpoint, test.task, answers);
    if (best == nullptr) continue;
    std::map<std::string, std::vector<size_t>> items;
    for (size_t i = 0; i < test.relations.size(); ++i) {
      for (const std::string& relation : test.relations[i])
        items[relation].push_back(i);
    }
    for (const auto& [relation, own] : items) {
      if (static_cast<int64_t>(own.size()) < options.least_pairs) continue;
      all.push_back(accuracy_of(test, *best, relation, own, options.seed));
    }
  }
  return all;
}

Comparison compare(const std::string& base, const std::string& checkpoint,
                   const std::vector<TestPairs>& tests, const std::vector<Answers>& answers,
                   const CompareOptions& options) {
  return Comparing(base, checkpoint, tests, answers).run(options);
}

}  // namespace ssmi::probe
