#include "ssmi/analysis/probe/vector_study.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <numeric>

#include "fits.h"
#include "jobs.h"
#include "ssmi/core/random.h"

namespace ssmi::probe {
namespace {

const std::string kTask = "vectors";
constexpr size_t kValidationShare = 8;

Samples samples_of(const VectorSet& set, uint64_t seed) {
  std::vector<size_t> order = Random(seed, "vectors/validation").permutation(set.train_y.size());
  const size_t held = order.size() / kValidationShare;
  const auto take = [&](size_t begin, size_t end, std::vector<int64_t>& labels) {
    // In the order of the file, which DirectProbe breaks ties by.
    std::sort(order.begin() + static_cast<ptrdiff_t>(begin),
              order.begin() + static_cast<ptrdiff_t>(end));
    const std::vector<int64_t> rows(order.begin() + static_cast<ptrdiff_t>(begin),
                                    order.begin() + static_cast<ptrdiff_t>(end));
    for (const int64_t row : rows)
      labels.push_back(set.train_y[static_cast<size_t>(row)]);
    return set.train_x.index_select(0, at::tensor(rows, at::kLong));
  };
  Samples samples;
  samples.x_validation = take(0, held, samples.y_validation);
  samples.x_train = take(held, order.size(), samples.y_train);
  samples.x_test = set.test_x;
  samples.test.label = set.test_y;
  samples.test.group.resize(set.test_y.size());
  std::iota(samples.test.group.begin(), samples.test.group.end(), 0);
  samples.labels = set.labels;
  return samples;
}

/// All training vectors in the order they came in, none held out.
Samples whole(const VectorSet& set, const Samples& parts) {
  Samples samples = parts;
  samples.x_train = set.train_x;
  samples.y_train = set.train_y;
  samples.x_validation = set.train_x.narrow(0, 0, 0);
  samples.y_validation.clear();
  return samples;
}

}  // namespace

VectorStudy probe_vectors(const VectorSet& set, const VectorOptions& options, Progress& progress) {
  const Samples parts = samples_of(set, options.seed), all = whole(set, parts);
  Clustering kept;
  std::vector<Job> jobs;
  const auto named = [](Result result, const char* control) {
    result.control = control;
    return result;
  };
  for (const bool shuffled : {false, true}) {
    if (shuffled && !options.controls) continue;
    const char* control = shuffled ? "shuffled" : "none";
    const auto labelled = [shuffled, seed = options.seed](Samples samples) {
      if (shuffled) shuffle_labels(samples, seed, kTask);
      return samples;
    };
    if (options.directprobe) {
      jobs.push_back([=, &all, &kept, seed = options.seed] {
        return named(directprobe_result(labelled(all), kTask, seed, shuffled ? nullptr : &kept),
                     control);
      });
    }
    if (options.linear) {
      jobs.push_back([=, &parts, seed = options.seed] {
        return named(linear_result(labelled(parts), kTask, seed), control);
      });
    }
  }
  if (options.ridge) {
    jobs.push_back([&parts, named, seed = options.seed] {
      return named(ridge_result(parts, kTask, seed), "none");
    });
  }
  if (options.controls) {
    jobs.push_back([&all, named, seed = options.seed] {
      std::vector<int64_t> predicted(all.test.label.size(), most_frequent(all));
      Result result = judged(all, std::move(predicted), kTask, seed);
      result.probe = "none";
      return named(std::move(result), "majority");
    });
  }
  progress.begin("probe", "fits", jobs.size());
  VectorStudy study;
  study.results.resize(jobs.size());
  run_each(jobs.size(), [&](size_t i) { study.results[i] = jobs[i](); }, progress);
  progress.end();
  if (options.directprobe) {
    study.clusters = std::move(kept);
    if (options.distances) study.to_test = distances_to_hulls(study.clusters->fit, set.test_x);
  }
  return study;
}

}  // namespace ssmi::probe
