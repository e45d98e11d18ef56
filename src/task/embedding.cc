#include "ssmi/task/embedding.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mean.h>

#include <algorithm>

#include "ssmi/model/forward_rows.h"

namespace ssmi::task {
namespace {

constexpr double kShortest = 1e-12;  // of vectors that are divided by their length

at::Tensor of_length_one(const at::Tensor& rows) {
  const int64_t width = -1;
  return rows / at::linalg_vector_norm(rows, 2, width, true).clamp_min(kShortest);
}

}  // namespace

std::pair<model::Site, int64_t> embedding_point(const model::ModelInfo& info) {
  const bool has_norm = std::ranges::find(info.sites, model::Site::kFinalNorm) != info.sites.end();
  return has_norm ? std::pair(model::Site::kFinalNorm, int64_t{0})
                  : model::hidden_state(info.layers);
}

at::Tensor embeddings(const model::Model& model, const model::Batch& batch) {
  const at::Tensor hidden = model::value_at(model, batch, embedding_point(model.info()));  // [S, D]
  return of_length_one(model::row_means(hidden, batch.offsets));
}

std::vector<int64_t> first_tokens(const text::Tokenizer& tokenizer, const std::string& text,
                                  int64_t length) {
  std::vector<int64_t> ids = tokenizer.encode(text).ids;
  ids.resize(std::min(ids.size(), static_cast<size_t>(length)));
  return ids;
}

at::Tensor embed_rows(const model::Model& model, std::span<const std::vector<int64_t>> rows,
                      int64_t batch_tokens, Progress& progress) {
  const model::ModelInfo info = model.info();
  at::Tensor means = at::empty({static_cast<int64_t>(rows.size()), info.hidden_size}, at::kFloat);
  progress.begin("embedding", "texts", rows.size());
  model::forward_rows(
      model, rows, {embedding_point(info)}, batch_tokens,
      [&](size_t row, model::Site, int64_t, const at::Tensor& value) {
        means[static_cast<int64_t>(row)].copy_(value.mean(0));
      },
      [&](size_t done) { progress.advance(done); });
  progress.end();
  return of_length_one(means);
}

}  // namespace ssmi::task
