#include "embed_rows.h"

#include <ATen/ops/ones_like.h>
#include <fmt/format.h>

#include <algorithm>

#include "ssmi/core/error.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/model/tensor.h"

namespace ssmi::cli {
namespace {

/// A [B, T] tensor of int64 (or int32) from a file of ids.
at::Tensor integer_matrix(const io::TensorView& view, const std::string& what) {
  const bool wide = view.dtype == io::Dtype::kI64;
  if ((!wide && view.dtype != io::Dtype::kI32) || view.shape.size() != 2) {
    bad_input("{}: expected [B, T] of I64 or I32, found {} with {} dimensions", what,
              io::dtype_name(view.dtype), view.shape.size());
  }
  return model::tensor_of(view).to(at::kLong);
}

/// The tokens of a row where the mask is 1: one run, padded left or right.
void add_masked_row(const std::string& where, const int64_t* ids, const int64_t* mask,
                    EmbedRows& rows) {
  const int64_t* first = std::find_if(mask, mask + rows.width, [](int64_t m) { return m != 0; });
  const int64_t* last = std::find(first, mask + rows.width, 0);
  if (std::any_of(last, mask + rows.width, [](int64_t m) { return m != 0; })) {
    bad_input("{}: row {} of attention_mask has a hole; only left or right padding can be masked",
              where, rows.ids.size());
  }
  if (first == last) {
    bad_input("{}: row {} has no token", where, rows.ids.size());
  }
  rows.start.push_back(first - mask);
  rows.ids.emplace_back(ids + (first - mask), ids + (last - mask));
}

}  // namespace

EmbedRows rows_of_ids(const std::string& path) {
  const auto file = io::open_safetensors(path);
  const auto find = [&](const char* name) {
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end()) bad_input("{}: no tensor '{}'", path, name);
    return integer_matrix(found->second, path + ": " + name);
  };
  const at::Tensor ids = find("input_ids");
  const at::Tensor mask =
      file.tensors.contains("attention_mask") ? find("attention_mask") : at::ones_like(ids);
  if (mask.sizes() != ids.sizes()) {
    bad_input("{}: input_ids and attention_mask differ in shape", path);
  }
  EmbedRows rows;
  rows.width = ids.size(1);
  for (int64_t row = 0; row < ids.size(0); ++row) {
    add_masked_row(path, ids.const_data_ptr<int64_t>() + row * rows.width,
                   mask.const_data_ptr<int64_t>() + row * rows.width, rows);
  }
  return rows;
}

EmbedRows rows_of_texts(const std::vector<std::string>& texts, const text::Tokenizer& tokenizer,
                        int64_t max_tokens, Progress& progress) {
  EmbedRows rows;
  for (size_t i = 0; i < texts.size(); ++i) {
    auto [ids, spans] = tokenizer.encode(texts[i]);
    const auto length = static_cast<int64_t>(ids.size());
    if (length == 0 || length > max_tokens) continue;
    rows.width = std::max(rows.width, length);
    ids.shrink_to_fit();
    spans.shrink_to_fit();
    rows.ids.push_back(std::move(ids));
    rows.spans.push_back(std::move(spans));
    rows.index.push_back(static_cast<int64_t>(i));
    rows.start.push_back(0);
  }
  if (rows.ids.size() < texts.size()) {
    progress.note(fmt::format("embed: {} of {} functions left out: empty or more than {} tokens",
                              texts.size() - rows.ids.size(), texts.size(), max_tokens));
  }
  return rows;
}

}  // namespace ssmi::cli
