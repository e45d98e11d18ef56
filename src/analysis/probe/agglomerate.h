#pragma once

#include <cstddef>
#include <optional>
#include <tuple>
#include <vector>

namespace ssmi::probe {

/// Clusters as greedy merging sees them: means and sizes.
struct Means {
  size_t columns = 0;
  std::vector<std::vector<double>> mean;
  std::vector<size_t> size;

  double squared_distance(size_t i, size_t j) const;
  /// Cluster j joins cluster i.
  void merge(size_t i, size_t j);
};

/// The clusters of one label in greedy merging by the distance of means. Knows the closest pair
/// that is not forbidden; a pair with a forbidden part is forbidden. Takes 8 bytes a pair.
class Agglomerate {
 public:
  struct Pair {
    double distance;  ///< squared, of the means
    size_t i, j;      ///< i < j, as numbered in Means

    friend bool operator<(const Pair& a, const Pair& b) {
      return std::tie(a.distance, a.i, a.j) < std::tie(b.distance, b.i, b.j);
    }
  };

  /// `clusters` of `means` (ascending), which must outlive the object.
  Agglomerate(const Means& means, std::vector<size_t> clusters);

  /// The closest pair, ties to the smaller numbers; nothing when all are forbidden or merged.
  std::optional<Pair> closest() const;
  void forbid(const Pair& pair);
  /// To be called after Means::merge(pair.i, pair.j).
  void merge(const Pair& pair);

 private:
  size_t position(size_t cluster) const;
  Pair pair(size_t row, size_t column) const;
  double& distance(size_t row, size_t column);
  void find_nearest(size_t row);

  const Means& means_;
  std::vector<size_t> clusters_;
  std::vector<char> alive_;
  std::vector<double> distance_;  // row after row; infinite where forbidden or merged
  std::vector<size_t> nearest_;
};

}  // namespace ssmi::probe
