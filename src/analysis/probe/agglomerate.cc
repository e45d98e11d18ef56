#include "agglomerate.h"

#include <algorithm>
#include <limits>

#include "ssmi/kernels/dot.h"

namespace ssmi::probe {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

}  // namespace

double Means::squared_distance(size_t i, size_t j) const {
  return kernels::squared_distance(mean[i].data(), mean[j].data(), columns);
}

void Means::merge(size_t i, size_t j) {
  const double share = static_cast<double>(size[j]) / static_cast<double>(size[i] + size[j]);
  for (size_t k = 0; k < columns; ++k)
    mean[i][k] += share * (mean[j][k] - mean[i][k]);
  size[i] += size[j];
}

Agglomerate::Agglomerate(const Means& means, std::vector<size_t> clusters)
    : means_(means),
      clusters_(std::move(clusters)),
      alive_(clusters_.size(), 1),
      distance_(clusters_.size() * clusters_.size(), kNever),
      nearest_(clusters_.size(), 0) {
  for (size_t i = 0; i < clusters_.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      distance(i, j) = distance(j, i) = means_.squared_distance(clusters_[i], clusters_[j]);
    }
  }
  for (size_t i = 0; i < clusters_.size(); ++i)
    find_nearest(i);
}

size_t Agglomerate::position(size_t cluster) const {
  return static_cast<size_t>(std::lower_bound(clusters_.begin(), clusters_.end(), cluster) -
                             clusters_.begin());
}

double& Agglomerate::distance(size_t row, size_t column) {
  return distance_[row * clusters_.size() + column];
}

Agglomerate::Pair Agglomerate::pair(size_t row, size_t column) const {
  const auto [i, j] = std::minmax(row, column);
  return {distance_[row * clusters_.size() + column], clusters_[i], clusters_[j]};
}

void Agglomerate::find_nearest(size_t row) {
  const double* begin = distance_.data() + row * clusters_.size();
  nearest_[row] = kernels::place_of_smallest(begin, clusters_.size());
}

std::optional<Agglomerate::Pair> Agglomerate::closest() const {
  std::optional<Pair> best;
  for (size_t i = 0; i < clusters_.size(); ++i) {
    if (!alive_[i]) continue;
    const Pair candidate = pair(i, nearest_[i]);
    if (candidate.distance < kNever && (!best || candidate < *best)) best = candidate;
  }
  return best;
}

void Agglomerate::forbid(const Pair& pair) {
  const size_t i = position(pair.i), j = position(pair.j);
  distance(i, j) = distance(j, i) = kNever;
  find_nearest(i);
  find_nearest(j);
}

void Agglomerate::merge(const Pair& merged) {
  const size_t i = position(merged.i), j = position(merged.j);
  alive_[j] = 0;
  distance(i, j) = distance(j, i) = kNever;
  for (size_t k = 0; k < clusters_.size(); ++k) {
    if (k == i || !alive_[k]) continue;
    const bool forbidden = distance(i, k) == kNever || distance(j, k) == kNever;
    const double now = forbidden ? kNever : means_.squared_distance(clusters_[i], clusters_[k]);
    distance(i, k) = distance(k, i) = now;
    distance(j, k) = distance(k, j) = kNever;
    if (nearest_[k] == i || nearest_[k] == j) {
      find_nearest(k);
    } else if (pair(k, i) < pair(k, nearest_[k])) {
      nearest_[k] = i;
    }
  }
  find_nearest(i);
}

}  // namespace ssmi::probe
