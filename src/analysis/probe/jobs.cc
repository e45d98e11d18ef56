#include "jobs.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <numeric>

#include "fits.h"
#include "ssmi/analysis/probe/linear.h"
#include "ssmi/analysis/probe/texts.h"
#include "ssmi/core/random.h"

namespace ssmi::probe {
namespace {

std::vector<int64_t> labels_of(const std::vector<Pair>& pairs) {
  std::vector<int64_t> labels;
  for (const Pair& pair : pairs)
    labels.push_back(pair.label);
  return labels;
}

/// Everything but the vectors.
Samples samples_of(const PairSet& set) {
  Samples samples;
  samples.y_train = labels_of(set.part(Part::kTrain));
  samples.y_validation = labels_of(set.part(Part::kValidation));
  samples.test.label = labels_of(set.part(Part::kTest));
  for (const Pair& pair : set.part(Part::kTest))
    samples.test.group.push_back(pair.function);
  samples.labels = set.task->labels;
  return samples;
}

/// Labels drawn by the types of both leaves, or by the text of a leaf alone, in all parts.
class ControlTask {
 public:
  ControlTask(const PairSet& set, const std::vector<ParsedFunction>& functions, uint64_t seed)
      : task_(*set.task), functions_(functions), seed_(seed), counts_(set.task->labels.size(), 0) {
    for (const Pair& pair : set.part(Part::kTrain))
      ++counts_[static_cast<size_t>(pair.label)];
  }

  std::vector<int64_t> labels(const std::vector<Pair>& pairs) const {
    std::vector<int64_t> labels;
    for (const Pair& pair : pairs)
      labels.push_back(label(pair));
    return labels;
  }

 private:
  std::string kind_of(const Pair& pair) const {
    const ParsedFunction& function = functions_[static_cast<size_t>(pair.function)];
    if (task_.is_token()) return std::string(function.leaf_text(pair.first));
    return fmt::format("{}\n{}", function.types[static_cast<size_t>(pair.first)],
                       function.types[static_cast<size_t>(pair.second)]);
  }

  int64_t label(const Pair& pair) const {
    Random random(seed_, fmt::format("control task/{}/{}", task_.name(), kind_of(pair)));
    uint64_t left = random.below(std::accumulate(counts_.begin(), counts_.end(), uint64_t{0}));
    int64_t label = 0;
    while (left >= counts_[static_cast<size_t>(label)])
      left -= counts_[static_cast<size_t>(label++)];
    return label;
  }

  const TaskInfo& task_;
  const std::vector<ParsedFunction>& functions_;
  uint64_t seed_;
  std::vector<uint64_t> counts_;  // of the labels in training
};

Samples samples_of(const VectorJob& base, const PairSet& set, bool shuffled) {
  Samples samples = samples_of(set);
  const auto vectors = [&](Part which) {
    return pair_vectors(set.part(which), *set.task, *base.slots, base.vectors);
  };
  samples.x_train = vectors(Part::kTrain);
  samples.x_validation = vectors(Part::kValidation);
  samples.x_test = vectors(Part::kTest);
  if (shuffled) shuffle_labels(samples, base.seed, std::string(set.task->name()));
  return samples;
}

/// The first of `share` pairs of each label, to train and to validate; all to test.
PairSet one_in(int64_t share, const PairSet& set) {
  PairSet fewer{set.task, set.per_label / share, {}};
  for (const Part which : {Part::kTrain, Part::kValidation}) {
    std::map<int32_t, int64_t> left;
    for (const Pair& pair : set.part(which))
      ++left[pair.label];
    for (auto& [label, count] : left)
      count /= share;
    for (const Pair& pair : set.part(which)) {
      if (left[pair.label]-- > 0) fewer.parts[static_cast<size_t>(which)].push_back(pair);
    }
  }
  fewer.parts.back() = set.part(Part::kTest);
  return fewer;
}

/// How many pairs to train on the label has that has fewest.
int64_t rarest_label(const PairSet& set) {
  std::vector<int64_t> count(set.task->labels.size(), 0);
  for (const Pair& pair : set.part(Part::kTrain))
    ++count[static_cast<size_t>(pair.label)];
  return *std::ranges::min_element(count);
}

Result placed(Result result, const PairSet& set, std::string control) {
  result.control = std::move(control);
  result.missing_pairs =
      set.per_label * static_cast<int64_t>(set.task->labels.size()) - result.train - result.test;
  return result;
}

Result placed(Result result, const VectorJob& base, const PairSet& set, Labelling labelling) {
  result.checkpoint = base.checkpoint;
  result.layer = base.layer;
  result.draw = base.draw;
  const bool is_true = labelling == Labelling::kTrue;
  const char* control = labelling == Labelling::kShuffled ? "shuffled" : "control_task";
  return placed(std::move(result), set, is_true ? base.control : control);
}

}  // namespace

void run_each(size_t count, const std::function<void(size_t)>& job, Progress& progress) {
  std::atomic<size_t> next = 0;
  const auto work = [&](int64_t, int64_t) {
    for (size_t i = next++; i < count; i = next++) {
      check_interrupted();
      job(i);
      progress.advance(1);
    }
  };
  const int threads = at::get_num_threads();
  if (count < static_cast<size_t>(threads)) {
    work(0, 1);  // each has all threads to itself
  } else {
    at::parallel_for(0, threads, 1, work);
  }
}

Job majority_job(const PairSet& set, uint64_t seed) {
  return [&set, seed] {
    const Samples samples = samples_of(set);
    std::vector<int64_t> predicted(samples.test.label.size(), most_frequent(samples));
    Result result = judged(samples, std::move(predicted), std::string(set.task->name()), seed);
    result.probe = "none";
    return placed(std::move(result), set, "majority");
  };
}

Job texts_job(const PairSet& set, const std::vector<ParsedFunction>& functions, bool with_gap,
              uint64_t seed) {
  return [&set, &functions, with_gap, seed] {
    const Samples samples = samples_of(set);
    const TextFeatures features(functions, set.training(), with_gap);
    const auto rows = [&](Part which) { return features.rows(set.part(which)); };
    const LinearResult fit = linear_probe(
        rows(Part::kTrain), samples.y_train, rows(Part::kValidation), samples.y_validation,
        rows(Part::kTest), static_cast<int64_t>(samples.labels.size()));
    return placed(linear_result(samples, fit, std::string(set.task->name()), seed), set,
                  with_gap ? "texts_and_gap" : "texts");
  };
}

Job linear_job(const VectorJob& base, const PairSet& set,
               const std::vector<ParsedFunction>& functions, Labelling labelling, bool described) {
  return [base, &set, &functions, labelling, described] {
    Samples samples = samples_of(base, set, labelling == Labelling::kShuffled);
    if (labelling == Labelling::kControlTask) {
      const ControlTask task(set, functions, base.seed);
      samples.y_train = task.labels(set.part(Part::kTrain));
      samples.y_validation = task.labels(set.part(Part::kValidation));
      samples.test.label = task.labels(set.part(Part::kTest));
    }
    Result result = linear_result(samples, std::string(set.task->name()), base.seed);
    if (described) describe(samples, base.seed, result);
    return placed(std::move(result), base, set, labelling);
  };
}

Job ridge_job(const VectorJob& base, const PairSet& set) {
  return [base, &set] {
    const Samples samples = samples_of(base, set, false);
    return placed(ridge_result(samples, std::string(set.task->name()), base.seed), base, set,
                  Labelling::kTrue);
  };
}

std::vector<Job> fewer_pairs_jobs(const VectorJob& base, const PairSet& set,
                                  const std::vector<ParsedFunction>& functions) {
  std::vector<Job> jobs;
  for (const int64_t share : {32, 16, 8, 4, 2}) {
    auto fewer = std::make_shared<const PairSet>(one_in(share, set));
    if (rarest_label(*fewer) < 2) continue;
    jobs.push_back([base, fewer, &functions] {
      Result result = linear_job(base, *fewer, functions, Labelling::kTrue, false)();
      result.control = "fewer_pairs";
      result.missing_pairs = 0;
      return result;
    });
  }
  return jobs;
}

Job directprobe_job(const VectorJob& base, const PairSet& set, Labelling labelling) {
  return [base, &set, labelling] {
    const Samples samples = samples_of(base, set, labelling == Labelling::kShuffled);
    return placed(directprobe_result(samples, std::string(set.task->name()), base.seed), base, set,
                  labelling);
  };
}

}  // namespace ssmi::probe
