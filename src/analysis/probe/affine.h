#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "vector.h"

namespace ssmi::probe {

/// Two sides of a pair of hulls.
enum Side : size_t { kFirst = 0, kSecond = 1 };

/// The smallest change of weights that makes the difference of two affine combinations shortest.
///
/// It keeps the Cholesky factor L of K = G + r^2 (e1 e1^T + e2 e2^T) for the support: G holds the
/// products of the signed points, e1 and e2 mark the sides. The added term is constant where the
/// weights of each side sum to one, and K is positive definite exactly when the support is affinely
/// independent (Wolfe 1976, whose lifted point this is).
template <typename Scalar>
class AffineFactor {
 public:
  /// Points whose distance to the affine hull of the support is below sqrt(floor) of their lifted
  /// length count as lying on it.
  explicit AffineFactor(double floor) : floor_(floor) {}

  size_t size() const { return rows_.size(); }

  /// Adds a point by its products with the support and, last, itself (its row of K). False, and
  /// no change, when it lies on the affine hull.
  bool append(std::vector<Scalar> row, Side side) {
    const size_t last = row.size() - 1;
    for (size_t j = 0; j < last; ++j) {
      row[j] = (row[j] - dot(rows_[j].data(), row.data(), j)) / rows_[j][j];
    }
    const Scalar rest = row[last] - dot(row.data(), row.data(), last);
    if (!(static_cast<double>(rest) > floor_ * static_cast<double>(row[last]))) return false;
    using std::sqrt;
    row[last] = sqrt(rest);
    rows_.push_back(std::move(row));
    sides_.push_back(side);
    return true;
  }

  void remove(size_t k) {
    using std::sqrt;
    rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(k));
    sides_.erase(sides_.begin() + static_cast<std::ptrdiff_t>(k));
    // Row i reaches one column too far now: turn columns (j, j + 1) until it does not.
    std::vector<std::pair<Scalar, Scalar>> turns;
    for (size_t i = k; i < rows_.size(); ++i) {
      Scalar* row = rows_[i].data() + k;
      for (const auto& [cosine, sine] : turns) {
        const Scalar first = row[0], second = row[1];
        row[0] = cosine * first + sine * second;
        row[1] = cosine * second - sine * first;
        ++row;
      }
      const Scalar length = sqrt(row[0] * row[0] + row[1] * row[1]);
      turns.emplace_back(row[0] / length, row[1] / length);
      row[0] = length;
      rows_[i].pop_back();
    }
  }

  struct Step {
    std::vector<Scalar> change;   ///< of each weight; sums to zero on either side
    std::array<double, 2> level;  ///< the products with the new difference, equal on a side
  };

  /// `products` of the signed support with the present difference of the two combinations.
  Step solve(const std::vector<double>& products) const {
    const size_t n = size();
    std::vector<Scalar> g(n);
    std::array<std::vector<Scalar>, 2> e = {std::vector<Scalar>(n), std::vector<Scalar>(n)};
    for (size_t i = 0; i < n; ++i) {
      const Scalar* row = rows_[i].data();
      g[i] = (Scalar(-products[i]) - dot(row, g.data(), i)) / row[i];
      for (const Side side : {kFirst, kSecond}) {
        const Scalar marked(sides_[i] == side ? 1.0 : 0.0);
        e[side][i] = (marked - dot(row, e[side].data(), i)) / row[i];
      }
    }
    const auto product = [n](const auto& a, const auto& b) { return dot(a.data(), b.data(), n); };
    const Scalar a = product(e[0], e[0]), b = product(e[0], e[1]), c = product(e[1], e[1]);
    const Scalar u = -product(e[0], g), v = -product(e[1], g), determinant = a * c - b * b;
    const std::array<Scalar, 2> level = {(u * c - v * b) / determinant,
                                         (v * a - u * b) / determinant};
    for (size_t i = 0; i < n; ++i)
      g[i] += level[0] * e[0][i] + level[1] * e[1][i];
    for (size_t i = n; i-- > 0;) {
      g[i] = g[i] / rows_[i][i];
      subtract_scaled(g.data(), g[i], rows_[i].data(), i);
    }
    return {std::move(g), {static_cast<double>(level[0]), static_cast<double>(level[1])}};
  }

 private:
  double floor_;
  std::vector<std::vector<Scalar>> rows_;  // L, row i of length i + 1
  std::vector<Side> sides_;
};

}  // namespace ssmi::probe
