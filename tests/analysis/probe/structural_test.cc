#include "ssmi/analysis/probe/structural.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support.h"

using namespace ssmi;
using namespace ssmi::probe;

namespace {

constexpr int64_t kEdges = 24;

/// A random tree of `leaves` leaves: each is the set of edges to the root, as 0 and 1 [T, kEdges].
/// The squared distance of two such vectors is the number of edges between the leaves.
LeafTree random_tree(int64_t leaves, Random& random) {
  std::vector<std::vector<int64_t>> paths{{}};
  int64_t edges = 0;
  while (static_cast<int64_t>(paths.size()) < leaves) {
    const auto at = static_cast<size_t>(random.below(paths.size()));
    std::vector<int64_t> other = paths[at];
    paths[at].push_back(edges++ % kEdges);
    other.push_back(edges++ % kEdges);
    paths.push_back(other);
  }
  LeafTree tree{at::zeros({leaves, kEdges}, at::kFloat), {}};
  for (size_t i = 0; i < paths.size(); ++i) {
    for (const int64_t edge : paths[i])
      tree.vectors[static_cast<int64_t>(i)][edge] += 1;
  }
  const at::Tensor& v = tree.vectors;
  const at::Tensor difference = v.unsqueeze(1) - v.unsqueeze(0);
  tree.distances = (difference * difference).sum(2);
  return tree;
}

std::vector<LeafTree> random_trees(size_t count, Random& random) {
  std::vector<LeafTree> trees;
  for (size_t i = 0; i < count; ++i)
    trees.push_back(random_tree(6 + static_cast<int64_t>(random.below(6)), random));
  return trees;
}

double mean_correlation(const StructuralProbe& probe, const std::vector<LeafTree>& trees) {
  double sum = 0;
  for (const LeafTree& tree : trees) {
    sum +=
        distance_correlation(structural_distances(probe.projection, tree.vectors), tree.distances);
  }
  return sum / static_cast<double>(trees.size());
}

at::Tensor square(std::vector<float> values, int64_t size) {
  return at::tensor(values).reshape({size, size});
}

}  // namespace

TEST_CASE("probe: correlation of distances, by hand") {
  // From each leaf two others: the same order gives 1, the other one -1, a tie 0.
  const at::Tensor distances = square({0, 2, 4, 2, 0, 4, 4, 4, 0}, 3);
  CHECK(distance_correlation(distances, distances) == doctest::Approx(2.0 / 3));  // leaf 2 is tied
  const at::Tensor turned = square({0, 5, 1, 5, 0, 1, 1, 1, 0}, 3);
  CHECK(distance_correlation(turned, distances) == doctest::Approx(-2.0 / 3));
  // Ranks 0 1 2 against 0 1.5 1.5: 1.5 / sqrt(2 * 1.5) for the first leaf.
  const at::Tensor four = square({0, 2, 4, 4, 2, 0, 3, 4, 2, 3, 0, 4, 2, 3, 4, 0}, 4);
  const at::Tensor guess = square({0, 1, 2, 3, 1, 0, 2, 3, 1, 2, 0, 3, 1, 2, 3, 0}, 4);
  CHECK(distance_correlation(guess, four) ==
        doctest::Approx((1.5 / std::sqrt(3.0) + 3) / 4).epsilon(1e-12));
}

TEST_CASE("probe: a structural probe finds trees that lie in the vectors, and none elsewhere") {
  Random random(3, "structural");
  const auto train = random_trees(200, random), validation = random_trees(40, random),
             test = random_trees(40, random);
  const StructuralProbe probe = fit_structural(train, validation, kEdges, random);
  const double found = mean_correlation(probe, test);
  MESSAGE("correlation " << found << " after " << probe.epochs << " epochs, validation loss "
                         << probe.validation_loss);
  CHECK(found > 0.95);
  const StructuralProbe narrow = fit_structural(train, validation, 2, random);
  CHECK(mean_correlation(narrow, test) < found - 0.1);

  auto shuffled = test;  // trees of other functions
  for (LeafTree& tree : shuffled) {
    const LeafTree other = random_tree(tree.vectors.size(0), random);
    tree.distances = other.distances;
  }
  CHECK(std::abs(mean_correlation(probe, shuffled)) < 0.3);
}

TEST_CASE("probe: vectors that are not finite are refused, and their distances have an end") {
  Random random(4, "structural");
  auto train = random_trees(8, random);
  const auto validation = random_trees(2, random);
  for (LeafTree& tree : train)
    tree.vectors.fill_(std::numeric_limits<double>::quiet_NaN());
  test::check_fails(ExitCode::kBadInput, "no finite loss",
                    [&] { fit_structural(train, validation, 2, random); });
  const LeafTree& tree = validation.front();
  const at::Tensor nowhere =
      at::full_like(tree.distances, std::numeric_limits<double>::quiet_NaN());
  CHECK(std::abs(distance_correlation(nowhere, tree.distances)) <= 1);
}

TEST_CASE("probe: equal seeds give equal structural probes") {
  Random random(5, "structural");
  const auto train = random_trees(20, random), validation = random_trees(5, random);
  Random first(1, "fit"), second(1, "fit");
  CHECK(fit_structural(train, validation, 4, first)
            .projection.equal(fit_structural(train, validation, 4, second).projection));
}
