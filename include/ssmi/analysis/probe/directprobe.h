#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace ssmi::probe {

/// One cluster: points of one label.
struct Cluster {
  int64_t label = 0;
  std::vector<int64_t> members;  ///< training points, ascending
  at::Tensor points;             ///< [members, d] float64, less the mean of all training points
};

/// Clusters of training vectors, each of one label, whose convex hulls are pairwise linearly
/// separable between labels (DirectProbe; Zhou and Srikumar 2021), and how they came about.
struct DirectProbe {
  std::vector<Cluster> clusters;  ///< by smallest member
  std::vector<int64_t> cluster;   ///< [n] of each training point; -1: left out
  at::Tensor mean;                ///< [d] of all training points
  double radius = 0;              ///< largest distance of a training point from it
  int64_t conflicting = 0;        ///< points left out: another label lies at the same place
  int64_t merges = 0;             ///< accepted
  int64_t first_bad_merge = -1;   ///< of unchecked merging, from 0; -1 when all are good
  int64_t solver_calls = 0;       ///< pairs that needed more than the plane between the means
  int64_t undecided = 0;          ///< of those, verdicts hidden by rounding, taken as overlapping
};

/// Greedy merging of x [n, d] (any floating type) with labels [n]. Starting from single points, the
/// closest two clusters of one label (by their means, ties to the smaller indices) merge unless the
/// hull of the union would meet, within kSeparationTolerance of the radius, one of another label;
/// such a pair is never tried again. Points of different labels within that tolerance of each other
/// cannot be separated: they are left out beforehand.
///
/// Exact verdicts are monotone along the merges, so that the first merge that breaks separability
/// is found by bisection of unchecked merging, and checks begin there. The result does not depend
/// on the number of threads. Memory: at most 8 n^2 bytes, 8 for each pair of one label, and a few
/// copies of x. Throws Error{kBadInput} for
/// values that are not finite or a number of labels other than n; Error{kInterrupted}.
DirectProbe fit_direct_probe(const at::Tensor& x, std::span<const int64_t> labels);

struct NearestHull {
  int64_t label = -1;    ///< -1 when there are no clusters
  int64_t cluster = -1;  ///< ties to the smaller one
  double distance = 0;   ///< to its hull; 0 inside
  bool finished = true;  ///< the searches that led to it were, else another may be as near
};

/// The nearest hull of each row of x [m, d], the points being in the space of the training points.
std::vector<NearestHull> predict(const DirectProbe& probe, const at::Tensor& x);

/// The distance of each row of x [m, d] to each hull, 0 inside: [m, clusters] float64.
at::Tensor distances_to_hulls(const DirectProbe& probe, const at::Tensor& x);

struct HullDistance {
  int64_t first, second;  ///< clusters
  double distance;
};

/// Distances of the hulls of clusters of different labels. All zero without such a pair.
struct HullDistances {
  std::vector<HullDistance> pairs;
  double minimum = 0, mean = 0, maximum = 0;
  /// Pairs known less well than to 1e-9 of their distance or 1e-13 of the radius.
  int64_t unfinished = 0;
};
HullDistances hull_distances(const DirectProbe& probe);

/// A fit with where its clusters and the vectors to be judged lie.
struct Clustering {
  DirectProbe fit;
  HullDistances between;             ///< hull_distances()
  std::vector<NearestHull> nearest;  ///< predict() of each test vector
};

/// n / (2 (d + 1)): below 1 any labelling of n points in general position in d dimensions is likely
/// to be linearly separable (Cover 1965), and the number of clusters says nothing.
double relative_capacity(int64_t n, int64_t d);

}  // namespace ssmi::probe
