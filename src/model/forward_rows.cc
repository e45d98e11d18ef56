#include "ssmi/model/forward_rows.h"

#include <c10/core/InferenceMode.h>

#include "ssmi/core/progress.h"

namespace ssmi::model {

std::pair<Site, int64_t> hidden_state(int64_t layer) {
  return layer == 0 ? std::pair(Site::kEmbedding, int64_t{0})
                    : std::pair(Site::kBlockOutput, layer);
}

void forward_rows(const Model& model, std::span<const std::vector<int64_t>> rows,
                  const Points& points, int64_t batch_tokens, const RowVisitor& visitor,
                  const std::function<void(size_t rows)>& after_batch) {
  const c10::InferenceMode no_gradients;
  const ModelInfo info = model.info();
  for (size_t first = 0, last = 0; first < rows.size(); first = last) {
    int64_t tokens = 0;
    do {
      tokens += static_cast<int64_t>(rows[last++].size());
    } while (last < rows.size() &&
             tokens + static_cast<int64_t>(rows[last].size()) <= batch_tokens);
    const Batch batch = pack(rows.subspan(first, last - first));
    check_batch(batch, info);
    const Tap tap(points, [&](Site site, int64_t layer, at::Tensor& value) {
      const bool per_row = site == Site::kLogits && info.logits_per_row;
      for (size_t row = 0; row < last - first; ++row) {
        const auto index = static_cast<int64_t>(row);
        visitor(first + row, site, layer,
                per_row ? value.slice(0, index, index + 1)
                        : value.slice(0, batch.offsets[row], batch.offsets[row + 1]));
      }
    });
    model.forward(batch, tap);
    after_batch(last - first);
    check_interrupted();
  }
}

}  // namespace ssmi::model
