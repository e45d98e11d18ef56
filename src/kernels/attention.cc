#include "ssmi/kernels/attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bitwise_not.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tril.h>
#include <ATen/ops/triu.h>

#include <limits>
#include <optional>
#include <vector>

namespace ssmi::kernels {
namespace {

/// Which keys a query of a row of `length` sees, [T, T] of booleans.
at::Tensor visible(const Attention& input, int64_t length) {
  const at::Tensor all =
      at::ones({length, length}, at::TensorOptions(input.query.device()).dtype(at::kBool));
  const at::Tensor before = at::tril(all);
  return input.window == 0 ? before : at::triu(before, 1 - input.window);
}

/// The end of the rows from `first` on that are as long as it.
size_t end_of_equal(std::span<const int64_t> offsets, size_t first) {
  const int64_t length = offsets[first + 1] - offsets[first];
  size_t last = first + 1;
  while (last + 1 < offsets.size() && offsets[last + 1] - offsets[last] == length)
    ++last;
  return last;
}

/// `rows` rows of `length` tokens each: [rows, heads, length, W], a view.
at::Tensor by_head(const at::Tensor& x, int64_t first, int64_t rows, int64_t length) {
  return x.slice(0, first, first + rows * length).unflatten(0, {rows, length}).transpose(1, 2);
}

at::Tensor equal_rows(const Attention& input, int64_t first, int64_t rows, int64_t length) {
  const bool windowed = input.causal && input.window > 0 && length > input.window;
  const auto mask = windowed ? std::optional(visible(input, length)) : std::nullopt;
  const at::Tensor out = at::scaled_dot_product_attention(
      by_head(input.query, first, rows, length), by_head(input.key, first, rows, length),
      by_head(input.value, first, rows, length), mask, 0.0, input.causal && !windowed, input.scale,
      input.query.size(1) != input.key.size(1));
  return out.transpose(1, 2).reshape({rows * length, -1});
}

/// Of one row: [H, T, T].
at::Tensor probabilities(const Attention& input, const at::Tensor& query, const at::Tensor& key) {
  at::Tensor scores = at::matmul(query, key.transpose(1, 2)) * input.scale;
  if (input.causal) {
    scores.masked_fill_(at::bitwise_not(visible(input, query.size(1))),
                        -std::numeric_limits<double>::infinity());
  }
  return at::softmax(scores, -1);
}

}  // namespace

at::Tensor attention(const Attention& input, std::span<const int64_t> offsets) {
  std::vector<at::Tensor> parts;
  for (size_t row = 0; row + 1 < offsets.size();) {
    const size_t last = end_of_equal(offsets, row);
    parts.push_back(equal_rows(input, offsets[row], static_cast<int64_t>(last - row),
                               offsets[row + 1] - offsets[row]));
    row = last;
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts);
}

at::Tensor attention_reference(const Attention& input, std::span<const int64_t> offsets,
                               const ProbabilitiesVisitor& visitor) {
  const int64_t heads = input.query.size(1);
  at::Tensor result =
      at::empty({offsets.back(), heads * input.query.size(2)}, input.query.options());
  const auto of_row = [&](const at::Tensor& x, size_t row) {  // [H, T, W]
    return x.slice(0, offsets[row], offsets[row + 1])
        .repeat_interleave(heads / x.size(1), 1)
        .transpose(0, 1);
  };
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    at::Tensor weights = probabilities(input, of_row(input.query, row), of_row(input.key, row));
    if (visitor) visitor(weights);
    const at::Tensor mixed = at::matmul(weights, of_row(input.value, row));
    result.slice(0, offsets[row], offsets[row + 1]).copy_(mixed.transpose(0, 1).flatten(1));
  }
  return result;
}

}  // namespace ssmi::kernels
