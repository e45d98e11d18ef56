#include "ssmi/analysis/probe/directprobe.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "analysis/probe/clouds.h"
#include "analysis/probe/reference.h"
#include "ssmi/analysis/probe/separability.h"
#include "support.h"

using namespace ssmi;
using namespace ssmi::probe;
using ssmi::test::normals;
using ssmi::test::points;
using ssmi::test::random_labels;

namespace {

at::Tensor rows(const at::Tensor& x, const std::vector<int64_t>& members) {
  std::vector<at::Tensor> parts;
  for (const int64_t i : members)
    parts.push_back(x.narrow(0, i, 1));
  return at::cat(parts);
}

double squared_distance(const at::Tensor& a, const at::Tensor& b) {
  const double length = (a.mean(0) - b.mean(0)).norm().item<double>();
  return length * length;
}

/// The algorithm from its description, with nothing clever: a check for every merge from the start.
std::vector<int64_t> plain_direct_probe(const at::Tensor& x, const std::vector<int64_t>& labels) {
  const Centred all = centre(x);
  std::map<int64_t, std::vector<int64_t>> clusters;
  for (int64_t i = 0; i < x.size(0); ++i)
    clusters[i] = {i};
  std::set<std::vector<int64_t>> refused;
  while (true) {
    double closest = std::numeric_limits<double>::infinity();
    int64_t first = -1, second = -1;
    for (const auto& [i, a] : clusters) {
      for (const auto& [j, b] : clusters) {
        if (j <= i || labels[static_cast<size_t>(i)] != labels[static_cast<size_t>(j)]) continue;
        std::vector<int64_t> both = a;
        both.insert(both.end(), b.begin(), b.end());
        std::sort(both.begin(), both.end());
        if (refused.contains(both)) continue;
        const double distance = squared_distance(rows(all.points, a), rows(all.points, b));
        if (distance < closest) {
          closest = distance;
          first = i;
          second = j;
        }
      }
    }
    if (first < 0) break;
    std::vector<int64_t> both = clusters[first];
    both.insert(both.end(), clusters[second].begin(), clusters[second].end());
    std::sort(both.begin(), both.end());
    const bool separable = std::all_of(clusters.begin(), clusters.end(), [&](const auto& other) {
      if (labels[static_cast<size_t>(other.first)] == labels[static_cast<size_t>(first)]) {
        return true;
      }
      return separate(rows(all.points, both), rows(all.points, other.second), all.radius).verdict ==
             Verdict::kSeparable;
    });
    if (!separable) {
      refused.insert(both);
      continue;
    }
    clusters[first] = both;
    clusters.erase(second);
  }
  std::vector<int64_t> result(labels.size(), -1);
  int64_t id = 0;
  for (const auto& [i, members] : clusters) {
    for (const int64_t p : members)
      result[static_cast<size_t>(p)] = id;
    ++id;
  }
  return result;
}

std::vector<int64_t> labels_of(const std::vector<NearestHull>& hulls) {
  std::vector<int64_t> labels;
  for (const NearestHull& hull : hulls)
    labels.push_back(hull.label);
  return labels;
}

/// Every training point outside conflicts sits in a cluster of its label, and those of different
/// labels are separable.
void check_valid(const DirectProbe& probe, const std::vector<int64_t>& labels) {
  size_t members = 0;
  for (size_t c = 0; c < probe.clusters.size(); ++c) {
    const Cluster& cluster = probe.clusters[c];
    members += cluster.members.size();
    for (const int64_t i : cluster.members) {
      CHECK(probe.cluster[static_cast<size_t>(i)] == static_cast<int64_t>(c));
      CHECK(labels[static_cast<size_t>(i)] == cluster.label);
    }
    for (size_t other = 0; other < c; ++other) {
      if (probe.clusters[other].label == cluster.label) continue;
      CHECK(separate(cluster.points, probe.clusters[other].points, probe.radius).verdict ==
            Verdict::kSeparable);
    }
  }
  CHECK(members + static_cast<size_t>(probe.conflicting) == labels.size());
  CHECK(static_cast<size_t>(probe.merges) == members - probe.clusters.size());
}

}  // namespace

TEST_CASE("directprobe: separable labels end in one cluster each") {
  Random random(1, "blobs");
  const at::Tensor x = at::cat({normals(20, 3, random), normals(20, 3, random) + 30.0});
  std::vector<int64_t> labels(40, 7);
  std::fill(labels.begin() + 20, labels.end(), -3);
  const DirectProbe probe = fit_direct_probe(x, labels);
  REQUIRE(probe.clusters.size() == 2);
  CHECK(probe.clusters[0].label == 7);
  CHECK(probe.clusters[1].label == -3);
  CHECK(probe.merges == 38);
  CHECK(probe.first_bad_merge == -1);
  CHECK(probe.solver_calls == 0);  // the plane between the means is enough
  check_valid(probe, labels);
}

TEST_CASE("directprobe: XOR needs three clusters") {
  // Once one label's corners are joined across the middle, the other's cannot be.
  Random random(2, "xor");
  std::vector<at::Tensor> parts;
  std::vector<int64_t> labels;
  for (const auto& [px, py, label] : {std::tuple{0, 0, 0}, {11, 11, 0}, {0, 10, 1}, {10, 0, 1}}) {
    parts.push_back(normals(12, 2, random) + points({{1.0 * px, 1.0 * py}}));
    labels.insert(labels.end(), 12, label);
  }
  const DirectProbe probe = fit_direct_probe(at::cat(parts), labels);
  REQUIRE(probe.clusters.size() == 3);
  CHECK(probe.clusters[0].members.size() == 12);
  CHECK(probe.clusters[1].members.size() == 12);
  CHECK(probe.clusters[2].members.size() == 24);  // the closer corners
  CHECK(probe.clusters[2].label == 1);
  CHECK(probe.first_bad_merge == 45);
  check_valid(probe, labels);
  CHECK(labels_of(predict(probe, points({{-5, -5}, {0, 11}, {14, 10}, {5, 5}}))) ==
        std::vector<int64_t>{0, 1, 0, 1});
}

TEST_CASE("directprobe: a ring around a disc is cut") {
  std::vector<std::vector<double>> rows = {{0, 0}, {0.1, 0}, {0, 0.1}};
  std::vector<int64_t> labels = {0, 0, 0};
  for (int i = 0; i < 24; ++i) {
    rows.push_back({std::cos(i * 0.2618) * 5, std::sin(i * 0.2618) * 5});
    labels.push_back(1);
  }
  const DirectProbe probe = fit_direct_probe(points(rows), labels);
  CHECK(probe.clusters.size() >= 3);
  CHECK(probe.clusters.front().members == std::vector<int64_t>{0, 1, 2});
  check_valid(probe, labels);
}

TEST_CASE("directprobe: the clusters are those of plain merging with a check a merge") {
  Random random(3, "plain");
  size_t several = 0;
  for (int trial = 0; trial < 40; ++trial) {
    const auto d = static_cast<int64_t>(1 + random.below(4));
    const auto n = static_cast<int64_t>(2 + random.below(26));
    const auto classes = static_cast<int64_t>(1 + random.below(4));
    const at::Tensor x = normals(n, d, random) * 3.0 + 100.0;
    const auto labels = random_labels(n, classes, random);
    const DirectProbe probe = fit_direct_probe(x, labels);
    CAPTURE(trial);
    CHECK(probe.cluster == plain_direct_probe(x, labels));
    CHECK(probe.undecided == 0);
    check_valid(probe, labels);
    if (probe.first_bad_merge >= 0) ++several;
  }
  CHECK(several > 20);
}

TEST_CASE("directprobe: points with two labels in one place leave, all their copies too") {
  const at::Tensor x = points({{0, 0}, {0, 0}, {0, 0}, {5, 5}, {5, 5}, {9, 0}, {9, 1e-12}, {0, 9}});
  const std::vector<int64_t> labels = {1, 2, 1, 1, 1, 1, 2, 2};
  const DirectProbe probe = fit_direct_probe(x, labels);
  CHECK(probe.conflicting == 5);
  CHECK(probe.cluster == std::vector<int64_t>{-1, -1, -1, 0, 0, -1, -1, 1});
  check_valid(probe, labels);
  // They still get the label of the nearest hull.
  CHECK(labels_of(predict(probe, points({{0, 0}, {9, 0}, {0, 8}}))) ==
        std::vector<int64_t>{1, 1, 2});
}

TEST_CASE("directprobe: nothing left, one point, one label") {
  const DirectProbe none = fit_direct_probe(points({{1, 1}, {1, 1}}), std::vector<int64_t>{0, 1});
  CHECK(none.clusters.empty());
  CHECK(none.conflicting == 2);
  CHECK(predict(none, points({{1, 1}})).front().label == -1);
  CHECK(hull_distances(none).pairs.empty());
  const DirectProbe one = fit_direct_probe(points({{3, 4}}), std::vector<int64_t>{5});
  CHECK(one.clusters.size() == 1);
  CHECK(predict(one, points({{0, 0}})).front().distance == doctest::Approx(5));
  Random random(4, "single");
  const DirectProbe single = fit_direct_probe(normals(30, 2, random), std::vector<int64_t>(30, 1));
  CHECK(single.clusters.size() == 1);
  CHECK(single.merges == 29);
}

TEST_CASE("directprobe: prediction takes the nearest hull") {
  Random random(5, "predict");
  const at::Tensor x = normals(60, 3, random);
  const auto labels = random_labels(60, 3, random);
  const DirectProbe probe = fit_direct_probe(x, labels);
  const at::Tensor fresh = normals(40, 3, random) * 2.0;
  const auto hulls = predict(probe, fresh);
  for (int64_t i = 0; i < 40; ++i) {
    const at::Tensor point = (fresh.narrow(0, i, 1) - probe.mean).contiguous();
    double smallest = std::numeric_limits<double>::infinity();
    std::vector<test::Bounds> bounds;
    for (const Cluster& cluster : probe.clusters) {
      bounds.push_back(test::frank_wolfe(point, cluster.points, 20000));
      smallest = std::min(smallest, bounds.back().upper);
    }
    const NearestHull& hull = hulls[static_cast<size_t>(i)];
    REQUIRE(hull.cluster >= 0);
    CHECK(hull.label == probe.clusters[static_cast<size_t>(hull.cluster)].label);
    CHECK(hull.distance <= smallest * (1 + 1e-9));
    const test::Bounds& own = bounds[static_cast<size_t>(hull.cluster)];
    CHECK(own.lower <= hull.distance * (1 + 1e-9) + 1e-9);
    CHECK(hull.distance <= own.upper * (1 + 1e-9));
  }
  // A training point lies in its own cluster.
  for (const NearestHull& hull : predict(probe, rows(x, probe.clusters[0].members))) {
    CHECK(hull.distance == 0);
    CHECK(hull.label == probe.clusters[0].label);
  }
}

TEST_CASE("directprobe: equal distances go to the smaller cluster index") {
  const DirectProbe probe =
      fit_direct_probe(points({{3, 0}, {-3, 0}, {0, 3}}), std::vector<int64_t>{2, 1, 0});
  REQUIRE(probe.clusters.size() == 3);
  CHECK(predict(probe, points({{0, 0}})).front().cluster == 0);
  CHECK(predict(probe, points({{-1, 1}})).front().cluster == 1);
}

TEST_CASE("directprobe: distances between hulls") {
  // Segments on x = 0, 2 and 7, of labels 0, 1 and 1.
  const at::Tensor x = points({{0, 0}, {0, 1}, {2, 0}, {2, 1}, {-7, 0}, {-7, 1}});
  const std::vector<int64_t> labels = {0, 0, 1, 1, 1, 1};
  const DirectProbe probe = fit_direct_probe(x, labels);
  REQUIRE(probe.clusters.size() == 3);
  const HullDistances found = hull_distances(probe);
  CHECK(found.pairs.size() == 2);
  CHECK(found.minimum == doctest::Approx(2));
  CHECK(found.maximum == doctest::Approx(7));
  CHECK(found.mean == doctest::Approx(4.5));
  CHECK(found.unfinished == 0);
}

TEST_CASE("directprobe: any number of threads gives the same") {
  Random random(6, "threads");
  const at::Tensor x = normals(150, 12, random), fresh = normals(50, 12, random);
  const auto labels = random_labels(150, 3, random);
  const int before = at::get_num_threads();
  std::vector<DirectProbe> probes;
  std::vector<std::vector<NearestHull>> hulls;
  for (const int threads : {1, 2, 3, 5}) {
    at::set_num_threads(threads);
    probes.push_back(fit_direct_probe(x, labels));
    hulls.push_back(predict(probes.back(), fresh));
  }
  at::set_num_threads(before);
  CHECK(probes[0].clusters.size() > 3);
  for (size_t other = 1; other < probes.size(); ++other) {
    CHECK(probes[0].cluster == probes[other].cluster);
    CHECK(probes[0].solver_calls == probes[other].solver_calls);
    for (size_t i = 0; i < hulls[0].size(); ++i) {
      CHECK(hulls[0][i].cluster == hulls[other][i].cluster);
      CHECK(hulls[0][i].distance == hulls[other][i].distance);
    }
  }
}

TEST_CASE("directprobe: the order of the points does not matter where no distances are equal") {
  Random random(7, "permuted");
  for (int round = 0; round < 20; ++round) {
    const int64_t n = 60, d = 2 + static_cast<int64_t>(random.below(5));
    const at::Tensor x = normals(n, d, random);
    const auto labels = random_labels(n, 3, random);
    std::vector<int64_t> order(static_cast<size_t>(n)), turned;
    std::iota(order.begin(), order.end(), int64_t{0});
    random.shuffle(std::span(order));
    for (const int64_t i : order)
      turned.push_back(labels[static_cast<size_t>(i)]);
    const auto partition = [](const DirectProbe& probe, const std::vector<int64_t>& names) {
      std::set<std::set<int64_t>> clusters;
      for (const Cluster& cluster : probe.clusters) {
        std::set<int64_t> members;
        for (const int64_t i : cluster.members)
          members.insert(names[static_cast<size_t>(i)]);
        clusters.insert(members);
      }
      return clusters;
    };
    std::vector<int64_t> unchanged(static_cast<size_t>(n));
    std::iota(unchanged.begin(), unchanged.end(), int64_t{0});
    const auto as_given = partition(fit_direct_probe(x, labels), unchanged);
    const auto permuted = partition(fit_direct_probe(rows(x, order), turned), order);
    CHECK(as_given.size() > 3);  // labels that say nothing: many clusters
    CHECK(as_given == permuted);
  }
}

TEST_CASE("directprobe: bad input is refused") {
  test::check_fails(ExitCode::kBadInput, "1 labels for 2 points",
                    [] { fit_direct_probe(points({{1}, {2}}), std::vector<int64_t>{0}); });
  test::check_fails(ExitCode::kBadInput, "not finite", [] {
    const double infinite = std::numeric_limits<double>::infinity();
    predict(fit_direct_probe(points({{1}, {2}}), std::vector<int64_t>{0, 1}), points({{infinite}}));
  });
}

TEST_CASE("directprobe: capacity") {
  CHECK(relative_capacity(258, 128) == 1);
}
