#include "embed_output.h"

#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/model/forward_rows.h"
#include "ssmi/model/tensor.h"

namespace ssmi::cli {
namespace {

constexpr int64_t kBatchTokens = 8192;

/// The padded ids and the mask that says which are tokens, [B, T].
void add_ids(const EmbedRows& rows, std::map<std::string, at::Tensor>& outputs) {
  const auto count = static_cast<int64_t>(rows.ids.size());
  at::Tensor ids = at::zeros({count, rows.width}, at::kLong);
  at::Tensor mask = at::zeros({count, rows.width}, at::kLong);
  for (size_t row = 0; row < rows.ids.size(); ++row) {
    const int64_t at = static_cast<int64_t>(row) * rows.width + rows.start[row];
    std::copy(rows.ids[row].begin(), rows.ids[row].end(), ids.data_ptr<int64_t>() + at);
    std::fill_n(mask.data_ptr<int64_t>() + at, rows.ids[row].size(), 1);
  }
  outputs["input_ids"] = ids;
  outputs["attention_mask"] = mask;
}

/// The name of a tensor that every row has its own of.
std::string of_row(const std::string& name, size_t row) {
  return fmt::format("{}.{}", name, row);
}

/// What the outputs will take, as far as it is known before the pass: every site as wide as the
/// residual stream. Attention probabilities come on top.
void note_size(const EmbedRows& rows, size_t tensors, int64_t width, Progress& progress) {
  const double bytes = 4.0 * static_cast<double>(tensors) * static_cast<double>(rows.ids.size()) *
                       static_cast<double>(rows.width) * static_cast<double>(width);
  progress.note(fmt::format("embed: {} tensors of {} rows of {} tokens, about {:.0f} MB in memory",
                            tensors, rows.ids.size(), rows.width, bytes / 1e6));
}

/// Each wanted value of all rows, [B, T, width]; [B, width] of logits that are per row.
std::map<std::string, at::Tensor> computed(const model::Model& model, const EmbedRows& rows,
                                           const EmbedNames& names, Progress& progress) {
  const auto count = static_cast<int64_t>(rows.ids.size());
  const bool logits_per_row = model.info().logits_per_row;
  std::map<std::string, at::Tensor> outputs;
  model::Points points;
  for (const auto& [point, name] : names)
    points.push_back(point);
  progress.begin("embed", "rows", rows.ids.size());
  const auto keep = [&](size_t row, model::Site site, int64_t layer, const at::Tensor& value) {
    if (site == model::Site::kAttentionProbs) {
      outputs[of_row(names.at({site, layer}), row)] = value.clone();
      return;
    }
    at::Tensor& output = outputs[names.at({site, layer})];
    const bool per_row = logits_per_row && site == model::Site::kLogits;
    if (!output.defined()) {
      output = per_row ? at::zeros({count, value.size(1)}, at::kFloat)
                       : at::zeros({count, rows.width, value.size(1)}, at::kFloat);
    }
    const at::Tensor place = output[static_cast<int64_t>(row)];
    (per_row ? place.unsqueeze(0)
             : place.slice(0, rows.start[row], rows.start[row] + value.size(0)))
        .copy_(value);
  };
  model::forward_rows(model, rows.ids, points, kBatchTokens, keep,
                      [&](size_t done) { progress.advance(done); });
  progress.end();
  return outputs;
}

/// The width of each wanted value, found by running the shortest row; of attention probabilities
/// the number of heads.
std::map<std::string, int64_t> widths(const model::Model& model, const EmbedRows& rows,
                                      const EmbedNames& names) {
  model::Points points;
  for (const auto& [point, name] : names)
    points.push_back(point);
  const auto shortest = std::ranges::min_element(rows.ids, {}, &std::vector<int64_t>::size);
  std::map<std::string, int64_t> widths;
  model::forward_rows(
      model, std::span(&*shortest, 1), points, kBatchTokens,
      [&](size_t, model::Site site, int64_t layer, const at::Tensor& value) {
        widths[names.at({site, layer})] = value.size(site == model::Site::kAttentionProbs ? 0 : 1);
      },
      [](size_t) {});
  return widths;
}

/// Where each row begins in the packed tensors, and where the last one ends.
std::vector<int64_t> offsets_of(const EmbedRows& rows) {
  std::vector<int64_t> offsets{0};
  for (const auto& ids : rows.ids)
    offsets.push_back(offsets.back() + static_cast<int64_t>(ids.size()));
  return offsets;
}

bool is_per_row(const model::Model& model, model::Site site) {
  return site == model::Site::kLogits && model.info().logits_per_row;
}

void add_attentions(const EmbedRows& rows, const std::string& name, int64_t heads,
                    std::vector<io::TensorSpec>& specs) {
  for (size_t row = 0; row < rows.size(); ++row) {
    const auto length = static_cast<int64_t>(rows.ids[row].size());
    specs.push_back({of_row(name, row), io::Dtype::kF32, {heads, length, length}});
  }
}

std::vector<io::TensorSpec> packed_specs(const model::Model& model, const EmbedRows& rows,
                                         const EmbedNames& names) {
  const auto count = static_cast<int64_t>(rows.size());
  const int64_t tokens = offsets_of(rows).back();
  const auto width = widths(model, rows, names);
  std::vector<io::TensorSpec> specs{{"input_ids", io::Dtype::kI64, {tokens}},
                                    {"offsets", io::Dtype::kI64, {count + 1}},
                                    {"rows", io::Dtype::kI64, {count}},
                                    {"spans", io::Dtype::kI64, {tokens, 2}}};
  for (const auto& [point, name] : names) {
    if (point.first == model::Site::kAttentionProbs) {
      add_attentions(rows, name, width.at(name), specs);
    } else {
      specs.push_back({name,
                       io::Dtype::kF32,
                       {is_per_row(model, point.first) ? count : tokens, width.at(name)}});
    }
  }
  return specs;
}

/// What the rows are: ids, where each begins, which text it is, the bytes of each token.
void write_rows(const EmbedRows& rows, std::span<const int64_t> offsets,
                io::SafetensorsWriter& file) {
  file.write("offsets", 0, std::as_bytes(offsets));
  file.write("rows", 0, std::as_bytes(std::span(rows.index)));
  for (size_t row = 0; row < rows.size(); ++row) {
    const auto at = sizeof(int64_t) * static_cast<uint64_t>(offsets[row]);
    file.write("input_ids", at, std::as_bytes(std::span(rows.ids[row])));
    static_assert(sizeof(text::Span) == 2 * sizeof(int64_t));
    file.write("spans", 2 * at, std::as_bytes(std::span(rows.spans[row])));
  }
}

}  // namespace

size_t embed_padded(const model::Model& model, const EmbedRows& rows, const EmbedNames& names,
                    const std::string& out, Progress& progress) {
  note_size(rows, names.size(), model.info().hidden_size, progress);
  { const AtomicFile writable(out); }  // found out before the work, not after it
  auto outputs = computed(model, rows, names, progress);
  add_ids(rows, outputs);
  model::write_tensors(out, outputs, {{"format", "pt"}});
  return outputs.size();
}

size_t embed_packed(const model::Model& model, const EmbedRows& rows, const EmbedNames& names,
                    const std::string& out, Progress& progress) {
  const auto specs = packed_specs(model, rows, names);
  const auto offsets = offsets_of(rows);
  io::SafetensorsWriter file(out, specs, {{"format", "pt"}});
  progress.note(fmt::format("embed: {} tensors of {} tokens in {} rows, {} bytes on disk",
                            specs.size(), offsets.back(), rows.size(), file.size()));
  write_rows(rows, offsets, file);
  model::Points points;
  for (const auto& [point, name] : names)
    points.push_back(point);
  const auto keep = [&](size_t row, model::Site site, int64_t layer, const at::Tensor& value) {
    const at::Tensor values = value.contiguous();
    const std::span bytes(static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes());
    if (site == model::Site::kAttentionProbs) {
      file.write(of_row(names.at({site, layer}), row), 0, bytes);
      return;
    }
    const auto first = is_per_row(model, site) ? static_cast<int64_t>(row) : offsets[row];
    file.write(names.at({site, layer}),
               sizeof(float) * static_cast<uint64_t>(first * values.size(1)), bytes);
  };
  progress.begin("embed", "rows", rows.size());
  model::forward_rows(model, rows.ids, points, kBatchTokens, keep,
                      [&](size_t done) { progress.advance(done); });
  progress.end();
  file.finish();
  return specs.size();
}

}  // namespace ssmi::cli
