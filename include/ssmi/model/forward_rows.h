#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "ssmi/model/model.h"

namespace ssmi::model {

/// Which values of a pass to look at: (site, layer).
using Points = std::vector<std::pair<Site, int64_t>>;

/// The value of one row at one point: [T, width], [1, width] of logits that are per row, [H, T, T]
/// of attention probabilities; a view into the batch's.
using RowVisitor =
    std::function<void(size_t row, Site site, int64_t layer, const at::Tensor& value)>;

/// The points of hidden_states.<i>: 0 is the embedding output, i the residual stream after block i,
/// before any final norm.
std::pair<Site, int64_t> hidden_state(int64_t layer);

/// The value at one point of a pass over a batch of the model's device. Gradients pass.
at::Tensor value_at(const Model& model, const Batch& batch, std::pair<Site, int64_t> point);

/// Runs rows of token ids through the model, on its device, shortest first, as many at a time as
/// stay within `batch_tokens` (a longer row runs alone), and shows each row's values at `points`,
/// on the CPU. `after_batch` is told how many rows were done. No gradients are kept. Throws
/// Error{kMismatch} for an id the model does not have.
void forward_rows(const Model& model, std::span<const std::vector<int64_t>> rows,
                  const Points& points, int64_t batch_tokens, const RowVisitor& visitor,
                  const std::function<void(size_t rows)>& after_batch);

}  // namespace ssmi::model
