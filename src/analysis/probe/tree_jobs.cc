#include "tree_jobs.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "ssmi/analysis/probe/ast.h"
#include "ssmi/analysis/probe/structural.h"
#include "ssmi/task/bootstrap.h"
#include "standardise.h"

namespace ssmi::probe {
namespace {

/// The vectors of a function's leaves, standardised by the training leaves.
class LeafMatrix {
 public:
  LeafMatrix(const VectorJob& base, const TreeSet& set)
      : base_(base), standardise_(training(set)) {}

  at::Tensor of(const FunctionTree& tree) const { return standardise_(raw(tree)).to(at::kFloat); }

 private:
  at::Tensor raw(const FunctionTree& tree) const {
    return base_.vectors
        .narrow(0, base_.slots->first(static_cast<size_t>(tree.function)), tree.leaves())
        .to(at::kDouble);
  }

  at::Tensor training(const TreeSet& set) const {
    std::vector<at::Tensor> rows;
    for (const FunctionTree& tree : set.part(Part::kTrain))
      rows.push_back(raw(tree));
    return at::cat(rows);
  }

  const VectorJob& base_;
  Standardise standardise_;
};

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::vector<TreeLength> by_length(const std::vector<FunctionTree>& trees,
                                  std::span<const double> values) {
  constexpr std::array<int64_t, 7> kUpTo = {16, 32, 64, 128, 256, 512, 1 << 30};
  std::vector<TreeLength> lengths;
  int64_t from = 1;
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

std::vector<LeafTree> leaf_trees(const LeafMatrix& vectors, const std::vector<FunctionTree>& part) {
  std::vector<LeafTree> trees;
  for (const FunctionTree& tree : part)
    trees.push_back({vectors.of(tree), tree.distances});
  return trees;
}

std::vector<LeafTuple> leaf_tuples(const LeafMatrix& vectors, const TreeSet& set, Part which) {
  std::vector<LeafTuple> tuples;
  for (const FunctionTree& tree : set.part(which)) {
    tuples.push_back({vectors.of(tree),
                      {tree.tuple.heights.begin(), tree.tuple.heights.end()},
                      places_of(tree.tuple.labels, set.labels),
                      places_of(tree.tuple.unary, set.unary)});
  }
  return tuples;
}

}  // namespace

TreeJob structural_job(const VectorJob& base, const TreeSet& set, int64_t rank) {
  return [base, &set, rank] {
    const LeafMatrix vectors(base, set);
    Random random(base.seed, fmt::format("structural/{}", rank));
    const StructuralProbe fit =
        fit_structural(leaf_trees(vectors, set.part(Part::kTrain)),
                       leaf_trees(vectors, set.part(Part::kValidation)), rank, random);
    std::vector<double> values;
    for (const FunctionTree& tree : set.part(Part::kTest)) {
      values.push_back(distance_correlation(structural_distances(fit.projection, vectors.of(tree)),
                                            tree.distances));
    }
    return placed(judged(set, values, "structural", base.seed), base, fit);
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

TreeJob ast_job(const VectorJob& base, const TreeSet& set, int64_t rank) {
  return [base, &set, rank] {
    const LeafMatrix vectors(base, set);
    Random random(base.seed, fmt::format("ast/{}", rank));
    const AstProbe fit = fit_ast(
        leaf_tuples(vectors, set, Part::kTrain), leaf_tuples(vectors, set, Part::kValidation), rank,
        static_cast<int64_t>(set.labels.size()), static_cast<int64_t>(set.unary.size()), random);
    std::vector<double> f1, precision, recall;
    for (const FunctionTree& tree : set.part(Part::kTest)) {
      const PredictedTuple said = predict(fit, vectors.of(tree));
      const code::Agreement agreement = code::agreement(
          tree.constituents, code::constituents(said.heights, names_of(said.labels, set.labels),
                                                names_of(said.unary, set.unary)));
      f1.push_back(agreement.f1);
      precision.push_back(agreement.precision);
      recall.push_back(agreement.recall);
    }
    TreeResult result = placed(judged(set, f1, "ast", base.seed), base, fit);
    result.precision = mean_of(precision);
    result.recall = mean_of(recall);
    return result;
  };
}

}  // namespace ssmi::probe
