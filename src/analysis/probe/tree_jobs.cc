#include "tree_jobs.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "ssmi/analysis/probe/ast.h"
#include "ssmi/analysis/probe/structural.h"
#include "ssmi/core/error.h"
#include "ssmi/task/bootstrap.h"
#include "standardise.h"

namespace ssmi::probe {
namespace {

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::vector<TreeLength> by_length(const std::vector<FunctionTree>& trees,
                                  std::span<const double> values) {
  constexpr std::array<int64_t, 7> kUpTo = {16, 32, 64, 128, 256, 512, 8192};
  std::vector<TreeLength> lengths;
  int64_t from = kLeastLeaves;
  for (const int64_t to : kUpTo) {
    std::vector<double> own;
    for (size_t i = 0; i < trees.size(); ++i) {
      if (trees[i].leaves() >= from && trees[i].leaves() <= to) own.push_back(values[i]);
    }
    if (!own.empty()) lengths.push_back({from, to, static_cast<int64_t>(own.size()), mean_of(own)});
    from = to + 1;
  }
  return lengths;
}

/// A row of one value for each test function.
TreeResult judged(const TreeSet& set, std::span<const double> values, const char* probe,
                  uint64_t seed) {
  TreeResult result;
  result.probe = probe;
  result.value = mean_of(values);
  Random random(seed, fmt::format("bootstrap/{}", probe));
  const auto mean = [&](std::span<const size_t> drawn) {
    double sum = 0;
    for (const size_t i : drawn)
      sum += values[i];
    return sum / static_cast<double>(drawn.size());
  };
  const task::Interval interval = task::bootstrap(values.size(), mean, random);
  result.low = interval.low;
  result.high = interval.high;
  result.by_length = by_length(set.part(Part::kTest), values);
  result.train = static_cast<int64_t>(set.part(Part::kTrain).size());
  result.validation = static_cast<int64_t>(set.part(Part::kValidation).size());
  result.test = static_cast<int64_t>(set.part(Part::kTest).size());
  return result;
}

template <typename Fit>
TreeResult placed(TreeResult result, const VectorJob& base, const Fit& fit) {
  result.checkpoint = base.checkpoint;
  result.layer = base.layer;
  result.control = base.control;
  result.rank = fit.projection.size(0);
  result.epochs = fit.epochs;
  result.validation_loss = fit.validation_loss;
  return result;
}

/// Places of names in a sorted list; -1 for those that are not in it.
std::vector<int64_t> places_of(std::span<const std::string> names,
                               const std::vector<std::string>& sorted) {
  std::vector<int64_t> places;
  for (const std::string& name : names) {
    const auto found = std::ranges::lower_bound(sorted, name);
    const bool known = found != sorted.end() && *found == name;
    places.push_back(known ? found - sorted.begin() : -1);
  }
  return places;
}

std::vector<std::string> names_of(std::span<const int64_t> places,
                                  const std::vector<std::string>& sorted) {
  std::vector<std::string> names;
  for (const int64_t place : places)
    names.push_back(sorted[static_cast<size_t>(place)]);
  return names;
}

std::vector<LeafTree> leaf_trees(const TreeFit& fit, Part which) {
  std::vector<LeafTree> trees;
  for (size_t i = 0; i < fit.set->part(which).size(); ++i)
    trees.push_back({fit.vectors->part(which)[i], fit.set->part(which)[i].distances});
  return trees;
}

std::vector<LeafTuple> leaf_tuples(const TreeFit& fit, Part which) {
  std::vector<LeafTuple> tuples;
  for (size_t i = 0; i < fit.set->part(which).size(); ++i) {
    const code::TreeTuple& tuple = fit.set->part(which)[i].tuple;
    tuples.push_back({fit.vectors->part(which)[i],
                      {tuple.heights.begin(), tuple.heights.end()},
                      places_of(tuple.labels, fit.set->labels),
                      places_of(tuple.unary, fit.set->unary)});
  }
  return tuples;
}

void check_rank(const TreeFit& fit, int64_t rank) {
  const int64_t width = fit.base.vectors.size(1);
  if (rank <= width) return;
  fail(ExitCode::kMismatch, "rank {}: the vectors of {} have {} numbers", rank, fit.base.checkpoint,
       width);
}

}  // namespace

TreeVectors::TreeVectors(const VectorJob& base, const TreeSet& set) {
  const auto raw = [&](const FunctionTree& tree) {
    return base.vectors
        .narrow(0, base.slots->first(static_cast<size_t>(tree.function)), tree.leaves())
        .to(at::kDouble);
  };
  std::vector<at::Tensor> training;
  for (const FunctionTree& tree : set.part(Part::kTrain))
    training.push_back(raw(tree));
  const Standardise standardise(at::cat(training));
  for (const Part which : kParts) {
    for (const FunctionTree& tree : set.part(which)) {
      at::Tensor vectors = standardise(raw(tree)).to(at::kFloat);
      if (!at::isfinite(vectors).all().item<bool>()) {
        bad_input("layer {} of {}: a vector is not finite when it is standardised", base.layer,
                  base.checkpoint);
      }
      parts_[static_cast<size_t>(which)].push_back(std::move(vectors));
    }
  }
}

TreeJob structural_job(const TreeFit& fit, int64_t rank) {
  check_rank(fit, rank);
  return [fit, rank] {
    Random random(fit.base.seed, fmt::format("structural/{}", rank));
    const StructuralProbe probe = fit_structural(leaf_trees(fit, Part::kTrain),
                                                 leaf_trees(fit, Part::kValidation), rank, random);
    std::vector<double> values;
    for (const LeafTree& tree : leaf_trees(fit, Part::kTest)) {
      values.push_back(distance_correlation(structural_distances(probe.projection, tree.vectors),
                                            tree.distances));
    }
    return placed(judged(*fit.set, values, "structural", fit.base.seed), fit.base, probe);
  };
}

TreeJob positions_job(const TreeSet& set, uint64_t seed) {
  return [&set, seed] {
    std::vector<double> values;
    for (const FunctionTree& tree : set.part(Part::kTest)) {
      const at::Tensor place = at::arange(tree.leaves(), at::kFloat);
      values.push_back(
          distance_correlation((place.unsqueeze(1) - place.unsqueeze(0)).abs(), tree.distances));
    }
    TreeResult result = judged(set, values, "structural", seed);
    result.control = "positions";
    return result;
  };
}

TreeJob ast_job(const TreeFit& fit, int64_t rank) {
  check_rank(fit, rank);
  return [fit, rank] {
    const TreeSet& set = *fit.set;
    Random random(fit.base.seed, fmt::format("ast/{}", rank));
    const AstProbe probe = fit_ast(
        leaf_tuples(fit, Part::kTrain), leaf_tuples(fit, Part::kValidation), rank,
        static_cast<int64_t>(set.labels.size()), static_cast<int64_t>(set.unary.size()), random);
    std::vector<double> f1, precision, recall;
    for (size_t i = 0; i < set.part(Part::kTest).size(); ++i) {
      const PredictedTuple said = predict(probe, fit.vectors->part(Part::kTest)[i]);
      const code::Agreement agreement =
          code::agreement(set.part(Part::kTest)[i].constituents,
                          code::constituents(said.heights, names_of(said.labels, set.labels),
                                             names_of(said.unary, set.unary)));
      f1.push_back(agreement.f1);
      precision.push_back(agreement.precision);
      recall.push_back(agreement.recall);
    }
    TreeResult result = placed(judged(set, f1, "ast", fit.base.seed), fit.base, probe);
    result.precision = mean_of(precision);
    result.recall = mean_of(recall);
    return result;
  };
}

}  // namespace ssmi::probe
