#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace ssmi::model {

/// Rows of tokens laid end to end. There is no padding anywhere in the models, so no row can see
/// another one's or its own: convolutions see zeros beyond a row's ends and a backward scan starts
/// at its last token.
struct Batch {
  at::Tensor ids;                ///< [S] int64, S tokens in all
  std::vector<int64_t> offsets;  ///< [rows + 1]; row r is tokens [offsets[r], offsets[r + 1])
};

/// Lays rows end to end.
Batch pack(std::span<const std::vector<int64_t>> rows);

/// The number of tokens of the longest row; 0 without rows.
int64_t longest_row(std::span<const int64_t> offsets);

/// The mean over each row's tokens: [rows, D] of x [S, D].
at::Tensor row_means(const at::Tensor& x, std::span<const int64_t> offsets);

}  // namespace ssmi::model
