#include "ssmi/model/forward_rows.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <numeric>

#include "ssmi/core/progress.h"

namespace ssmi::model {

std::pair<Site, int64_t> hidden_state(int64_t layer) {
  return layer == 0 ? std::pair(Site::kEmbedding, int64_t{0})
                    : std::pair(Site::kBlockOutput, layer);
}

at::Tensor value_at(const Model& model, const Batch& batch, std::pair<Site, int64_t> point) {
  at::Tensor found;
  model.forward(batch, Tap({&point, 1}, [&](Site, int64_t, at::Tensor& value) { found = value; }));
  return found;
}

namespace {

using Rows = std::span<const std::vector<int64_t>>;

/// The rows, shortest first, equal ones in their order.
std::vector<size_t> by_length(Rows rows) {
  std::vector<size_t> order(rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t row) { return rows[row].size(); });
  return order;
}

/// The end of the batch that begins at `first`: as many rows as stay within `tokens`, at least one.
size_t end_of_batch(Rows rows, std::span<const size_t> order, size_t first, int64_t tokens) {
  auto left = tokens - static_cast<int64_t>(rows[order[first]].size());
  size_t last = first + 1;
  for (; last < order.size(); ++last) {
    left -= static_cast<int64_t>(rows[order[last]].size());
    if (left < 0) break;
  }
  return last;
}

}  // namespace

void forward_rows(const Model& model, std::span<const std::vector<int64_t>> rows,
                  const Points& points, int64_t batch_tokens, const RowVisitor& visitor,
                  const std::function<void(size_t rows)>& after_batch) {
  const c10::InferenceMode no_gradients;
  const ModelInfo info = model.info();
  const std::vector<size_t> order = by_length(rows);
  for (size_t first = 0, last = 0; first < rows.size(); first = last) {
    last = end_of_batch(rows, order, first, batch_tokens);
    std::vector<std::vector<int64_t>> chosen;
    for (size_t i = first; i < last; ++i)
      chosen.push_back(rows[order[i]]);
    Batch batch = pack(chosen);
    check_batch(batch, info);
    batch.ids = batch.ids.to(model.device());
    size_t attended = 0;  // rows of the batch whose probabilities were shown, in all blocks
    const Tap tap(points, [&](Site site, int64_t layer, at::Tensor& value) {
      if (site == Site::kAttentionProbs) {  // row by row, in order
        visitor(order[first + attended++ % (last - first)], site, layer, value.cpu());
        return;
      }
      const bool per_row = site == Site::kLogits && info.logits_per_row;
      const at::Tensor here = value.cpu();
      for (size_t row = 0; row < last - first; ++row) {
        const auto index = static_cast<int64_t>(row);
        visitor(order[first + row], site, layer,
                per_row ? here.slice(0, index, index + 1)
                        : here.slice(0, batch.offsets[row], batch.offsets[row + 1]));
      }
    });
    model.forward(batch, tap);
    after_batch(last - first);
    check_interrupted();
  }
}

}  // namespace ssmi::model
