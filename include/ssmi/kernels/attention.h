#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>

namespace ssmi::kernels {

/// Scaled dot-product attention (Vaswani et al. 2017, eq. 1) of rows laid end to end: S tokens, H
/// heads of width W, G key-value heads, each of which serves H / G heads in a row (Ainslie et al.
/// 2023). The last dimensions are contiguous.
struct Attention {
  at::Tensor query;    ///< [S, H, W]
  at::Tensor key;      ///< [S, G, W]
  at::Tensor value;    ///< [S, G, W]
  double scale;        ///< of the products
  bool causal;         ///< a token sees itself and those before it
  int64_t window = 0;  ///< with `causal`: itself and the window - 1 before it; 0: all of them
};

/// Shown each row's probabilities [H, T, T], in order; what it assigns is used.
using ProbabilitiesVisitor = std::function<void(at::Tensor& probabilities)>;

/// Each row attends within itself. `offsets` as in selective_scan(). Returns [S, H W]. Rows of
/// equal length that follow one another go through one call of LibTorch's fused attention.
at::Tensor attention(const Attention& input, std::span<const int64_t> offsets);

/// The same in plain ATen operators, row by row, with the probabilities.
at::Tensor attention_reference(const Attention& input, std::span<const int64_t> offsets,
                               const ProbabilitiesVisitor& visitor = {});

}  // namespace ssmi::kernels
