#include "jobs.h"

#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "ssmi/analysis/probe/directprobe.h"
#include "ssmi/analysis/probe/linear.h"
#include "ssmi/analysis/probe/texts.h"

namespace ssmi::probe {
namespace {

std::vector<int64_t> labels_of(const std::vector<Pair>& pairs) {
  std::vector<int64_t> labels;
  for (const Pair& pair : pairs)
    labels.push_back(pair.label);
  return labels;
}

std::vector<Pair> training_pairs(const PairSet& set) {
  std::vector<Pair> pairs = set.part(Part::kTrain);
  const auto& validation = set.part(Part::kValidation);
  pairs.insert(pairs.end(), validation.begin(), validation.end());
  return pairs;
}

/// The commonest training label, ties to the first.
int64_t most_frequent(const PairSet& set) {
  std::vector<int64_t> count(set.task->labels.size(), 0);
  for (const Pair& pair : training_pairs(set))
    ++count[static_cast<size_t>(pair.label)];
  return std::max_element(count.begin(), count.end()) - count.begin();
}

/// The labels of training and validation pairs, permuted among them when `shuffled`.
struct TrainingLabels {
  std::vector<int64_t> train, validation;

  TrainingLabels(const PairSet& set, bool shuffled, uint64_t seed) {
    train = labels_of(training_pairs(set));
    if (shuffled) {
      Random random(seed, fmt::format("shuffled/{}", set.task->name()));
      random.shuffle(std::span(train));
    }
    const auto cut = train.begin() + static_cast<ptrdiff_t>(set.part(Part::kTrain).size());
    validation.assign(cut, train.end());
    train.erase(cut, train.end());
  }
  std::vector<int64_t> both() const {
    std::vector<int64_t> all = train;
    all.insert(all.end(), validation.begin(), validation.end());
    return all;
  }
};

/// A row with everything but what the probe itself says.
Result make_result(const PairSet& set, std::string probe, std::string control,
                   std::span<const int64_t> predicted, uint64_t seed) {
  Result result;
  result.task = set.task->relation;
  result.probe = std::move(probe);
  result.control = std::move(control);
  const auto& test = set.part(Part::kTest);
  result.evaluation = evaluate(test, predicted, set.task->labels.size(), seed, set.task->name());
  result.train = static_cast<int64_t>(training_pairs(set).size());
  result.test = static_cast<int64_t>(test.size());
  result.missing_pairs =
      set.per_label * static_cast<int64_t>(set.task->labels.size()) - result.train - result.test;
  return result;
}

Result place(const VectorJob& base, Result result) {
  result.checkpoint = base.checkpoint;
  result.layer = base.layer;
  return result;
}

LinearDetail detail(const LinearResult& fit) {
  return {fit.l2, fit.validation_accuracy, fit.gradient_norm, fit.converged};
}

DirectProbeDetail detail(const DirectProbe& fit, const at::Tensor& train) {
  DirectProbeDetail detail{
      .clusters = static_cast<int64_t>(fit.clusters.size()),
      .capacity = relative_capacity(train.size(0) - fit.conflicting, train.size(1)),
      .undecided = fit.undecided,
      .unfinished_distances = 0,
      .min_distance = {},
      .mean_distance = {},
      .max_distance = {}};
  const HullDistances distances = hull_distances(fit);
  detail.unfinished_distances = distances.unfinished;
  if (distances.pairs > 0) {
    detail.min_distance = distances.minimum;
    detail.mean_distance = distances.mean;
    detail.max_distance = distances.maximum;
  }
  return detail;
}

std::string control_name(const VectorJob& base, bool shuffled) {
  return shuffled ? "shuffled" : base.control;
}

}  // namespace

Job majority_job(const PairSet& set, uint64_t seed) {
  return [&set, seed] {
    const std::vector<int64_t> predicted(set.part(Part::kTest).size(), most_frequent(set));
    return make_result(set, "none", "majority", predicted, seed);
  };
}

Job texts_job(const PairSet& set, const std::vector<ParsedFunction>& functions, bool with_gap,
              uint64_t seed) {
  return [&set, &functions, with_gap, seed] {
    const TextFeatures features(functions, training_pairs(set), with_gap);
    const TrainingLabels labels(set, false, seed);
    const LinearResult fit = linear_probe(features.rows(set.part(Part::kTrain)), labels.train,
                                          features.rows(set.part(Part::kValidation)),
                                          labels.validation, features.rows(set.part(Part::kTest)),
                                          static_cast<int64_t>(set.task->labels.size()));
    Result result =
        make_result(set, "linear", with_gap ? "texts_and_gap" : "texts", fit.predicted, seed);
    result.linear = detail(fit);
    return result;
  };
}

Job linear_job(const VectorJob& base, const PairSet& set, bool shuffled) {
  return [base, &set, shuffled] {
    const auto vectors = [&](Part which) {
      return pair_vectors(set.part(which), *set.task, *base.slots, base.vectors);
    };
    const TrainingLabels labels(set, shuffled, base.seed);
    const LinearResult fit = linear_probe(
        vectors(Part::kTrain), labels.train, vectors(Part::kValidation), labels.validation,
        vectors(Part::kTest), static_cast<int64_t>(set.task->labels.size()));
    Result result =
        make_result(set, "linear", control_name(base, shuffled), fit.predicted, base.seed);
    result.linear = detail(fit);
    return place(base, std::move(result));
  };
}

Job directprobe_job(const VectorJob& base, const PairSet& set, bool shuffled) {
  return [base, &set, shuffled] {
    const at::Tensor train =
        pair_vectors(training_pairs(set), *set.task, *base.slots, base.vectors);
    const at::Tensor test =
        pair_vectors(set.part(Part::kTest), *set.task, *base.slots, base.vectors);
    const auto labels = TrainingLabels(set, shuffled, base.seed).both();
    const DirectProbe fit = fit_direct_probe(train, labels);
    std::vector<int64_t> predicted;
    for (const NearestHull& hull : predict(fit, test)) {
      predicted.push_back(hull.label < 0 ? most_frequent(set) : hull.label);
    }
    Result result =
        make_result(set, "directprobe", control_name(base, shuffled), predicted, base.seed);
    result.identical_vectors = fit.conflicting;
    result.directprobe = detail(fit, train);
    return place(base, std::move(result));
  };
}

}  // namespace ssmi::probe
