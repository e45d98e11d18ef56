#include "ssmi/analysis/probe/structural.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "descent.h"

namespace ssmi::probe {
namespace {

/// By a Gram matrix, which is fast, but tells equal vectors apart by rounding.
at::Tensor loss_of(const at::Tensor& projection, const LeafTree& tree) {
  const at::Tensor z = at::mm(tree.vectors, projection.t());
  const at::Tensor squares = (z * z).sum(1);
  const at::Tensor predicted = squares.unsqueeze(1) + squares.unsqueeze(0) - at::mm(z, z.t()) * 2;
  return (predicted - tree.distances).abs().mean();
}

/// Ranks from 0, those of equal values averaged, less their mean.
std::vector<double> centred_ranks(std::span<const float> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  const double mean = static_cast<double>(values.size() - 1) / 2;
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]])
      ++end;
    for (size_t i = begin; i < end; ++i)
      ranks[order[i]] = static_cast<double>(begin + end - 1) / 2 - mean;
  }
  return ranks;
}

double spearman(std::span<const float> a, std::span<const float> b) {
  const std::vector<double> x = centred_ranks(a), y = centred_ranks(b);
  const auto dot = [](const std::vector<double>& u, const std::vector<double>& v) {
    return std::inner_product(u.begin(), u.end(), v.begin(), 0.0);
  };
  const double norms = std::sqrt(dot(x, x) * dot(y, y));
  return norms > 0 ? dot(x, y) / norms : 0;
}

}  // namespace

at::Tensor structural_distances(const at::Tensor& projection, const at::Tensor& vectors) {
  const at::Tensor z = at::mm(vectors, projection.t());
  at::Tensor distances = at::empty({z.size(0), z.size(0)}, at::kFloat);
  for (int64_t i = 0; i < z.size(0); ++i) {
    const at::Tensor apart = z - z[i];
    distances[i].copy_((apart * apart).sum(1));
  }
  return distances;
}

StructuralProbe fit_structural(std::span<const LeafTree> train,
                               std::span<const LeafTree> validation, int64_t rank, Random& random) {
  at::Tensor projection = initial_weights(rank, train.front().vectors.size(1), random);
  Objective objective{
      .parameters = {projection},
      .train = train.size(),
      .loss = [&](size_t i) { return loss_of(projection, train[i]); },
      .penalty = {},
      .validation =
          [&] {
            double sum = 0;
            for (const LeafTree& tree : validation)
              sum += loss_of(projection, tree).item<double>();
            return sum / static_cast<double>(validation.size());
          },
  };
  const Descent descent = descend(objective, {}, random);
  return {projection.detach(), descent.epochs, descent.validation_loss};
}

double distance_correlation(const at::Tensor& predicted, const at::Tensor& distances) {
  const auto leaves = static_cast<size_t>(predicted.size(0));
  const at::Tensor p = predicted.contiguous(), d = distances.contiguous();
  double sum = 0;
  std::vector<float> a, b;
  for (size_t i = 0; i < leaves; ++i) {
    const auto others = [&](const at::Tensor& all, std::vector<float>& row) {
      const float* from = all.const_data_ptr<float>() + i * leaves;
      row.assign(from, from + leaves);
      row.erase(row.begin() + static_cast<ptrdiff_t>(i));
    };
    others(p, a);
    others(d, b);
    sum += spearman(a, b);
  }
  return sum / static_cast<double>(leaves);
}

}  // namespace ssmi::probe
