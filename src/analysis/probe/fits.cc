#include "fits.h"

#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "ssmi/analysis/probe/ridge.h"
#include "ssmi/core/random.h"

namespace ssmi::probe {
namespace {

std::vector<int64_t> both_parts(const Samples& samples) {
  std::vector<int64_t> all = samples.y_train;
  all.insert(all.end(), samples.y_validation.begin(), samples.y_validation.end());
  return all;
}

DirectProbeDetail detail(const DirectProbe& fit, const HullDistances& distances, int64_t items,
                         int64_t columns) {
  DirectProbeDetail detail{.clusters = static_cast<int64_t>(fit.clusters.size()),
                           .capacity = relative_capacity(items - fit.conflicting, columns),
                           .undecided = fit.undecided,
                           .unfinished_distances = distances.unfinished,
                           .min_distance = {},
                           .mean_distance = {},
                           .max_distance = {}};
  if (!distances.pairs.empty()) {
    detail.min_distance = distances.minimum;
    detail.mean_distance = distances.mean;
    detail.max_distance = distances.maximum;
  }
  return detail;
}

/// What a fit is wrong about, the most confident ones first, ties in the order of the items.
std::vector<Mistake> mistakes(const Samples& samples, const LinearResult& fit) {
  constexpr size_t kMost = 10;
  std::vector<Mistake> wrong;
  for (size_t i = 0; i < fit.predicted.size(); ++i) {
    if (fit.predicted[i] == samples.test.label[i]) continue;
    wrong.push_back(
        {static_cast<int64_t>(i), samples.test.label[i], fit.predicted[i], fit.probability[i], {}});
  }
  std::ranges::stable_sort(wrong, std::greater<>(), &Mistake::probability);
  wrong.resize(std::min(wrong.size(), kMost));
  return wrong;
}

}  // namespace

void shuffle_labels(Samples& samples, uint64_t seed, const std::string& task) {
  std::vector<int64_t> all = both_parts(samples);
  Random random(seed, fmt::format("shuffled/{}", task));
  random.shuffle(std::span(all));
  const auto cut = all.begin() + static_cast<ptrdiff_t>(samples.y_train.size());
  samples.y_validation.assign(cut, all.end());
  samples.y_train.assign(all.begin(), cut);
}

int64_t most_frequent(const Samples& samples) {
  std::vector<int64_t> count(samples.labels.size(), 0);
  for (const int64_t label : both_parts(samples))
    ++count[static_cast<size_t>(label)];
  return std::ranges::max_element(count) - count.begin();
}

Result judged(const Samples& samples, std::vector<int64_t> predicted, const std::string& task,
              uint64_t seed) {
  Result result;
  result.task = task;
  result.labels = samples.labels;
  result.evaluation = evaluate(samples.test, predicted, samples.labels.size(), seed, task);
  result.predicted = std::move(predicted);
  result.train = samples.train_size();
  result.test = static_cast<int64_t>(samples.test.label.size());
  return result;
}

Result linear_result(const Samples& samples, const std::string& task, uint64_t seed) {
  return linear_result(
      samples,
      linear_probe(samples.x_train, samples.y_train, samples.x_validation, samples.y_validation,
                   samples.x_test, static_cast<int64_t>(samples.labels.size())),
      task, seed);
}

Result linear_result(const Samples& samples, const LinearResult& fit, const std::string& task,
                     uint64_t seed) {
  Result result = judged(samples, fit.predicted, task, seed);
  result.probe = "linear";
  result.mistakes = mistakes(samples, fit);
  result.linear = {fit.l2, fit.validation_accuracy, fit.gradient_norm, fit.converged, {}, {}};
  return result;
}

Result ridge_result(const Samples& samples, const std::string& task, uint64_t seed) {
  RidgeResult fit =
      ridge_probe(samples.x_train, samples.y_train, samples.x_validation, samples.y_validation,
                  samples.x_test, static_cast<int64_t>(samples.labels.size()));
  Result result = judged(samples, std::move(fit.predicted), task, seed);
  result.probe = "ridge";
  result.ridge = {fit.l2, fit.validation_accuracy};
  return result;
}

void describe(const Samples& samples, uint64_t seed, Result& result) {
  const auto classes = static_cast<int64_t>(samples.labels.size());
  Random random(seed, fmt::format("online code/{}", result.task));
  LinearDetail& detail = result.linear.value();
  const OnlineCode code = online_code(at::cat({samples.x_train, samples.x_validation}),
                                      both_parts(samples), classes, kL2Grid, random);
  detail.converged = detail.converged && code.converged;
  detail.bits = code.bits;
  detail.code_l2 = code.l2;
  detail.compression = static_cast<double>(samples.train_size()) *
                       std::log2(static_cast<double>(classes)) / *detail.bits;
}

Result directprobe_result(const Samples& samples, const std::string& task, uint64_t seed,
                          Clustering* keep) {
  const at::Tensor train = at::cat({samples.x_train, samples.x_validation});
  Clustering found;
  found.fit = fit_direct_probe(train, both_parts(samples));
  found.between = hull_distances(found.fit);
  found.nearest = predict(found.fit, samples.x_test);
  std::vector<int64_t> predicted;
  int64_t unfinished = 0;
  for (const NearestHull& hull : found.nearest) {
    unfinished += hull.finished ? 0 : 1;
    predicted.push_back(hull.label < 0 ? most_frequent(samples) : hull.label);
  }
  Result result = judged(samples, std::move(predicted), task, seed);
  result.probe = "directprobe";
  result.identical_vectors = found.fit.conflicting;
  result.directprobe = detail(found.fit, found.between, train.size(0), train.size(1));
  result.directprobe->unfinished_distances += unfinished;
  if (keep != nullptr) *keep = std::move(found);
  return result;
}

}  // namespace ssmi::probe
