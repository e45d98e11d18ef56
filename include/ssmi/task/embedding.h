#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ssmi/core/progress.h"
#include "ssmi/model/model.h"
#include "ssmi/text/tokenizer.h"

namespace ssmi::task {

/// The point whose mean over a row's tokens is the row's embedding: the final norm where there is
/// one, else the last block's output.
std::pair<model::Site, int64_t> embedding_point(const model::ModelInfo& info);

/// The embedding of each row, of length 1: [rows, D]. Gradients pass.
at::Tensor embeddings(const model::Model& model, const model::Batch& batch);

/// A text's tokens with its markers, the first `length` of them.
std::vector<int64_t> first_tokens(const text::Tokenizer& tokenizer, const std::string& text,
                                  int64_t length);

/// The embeddings of many rows, on the CPU, without gradients: [rows, D]. Every row has a token.
at::Tensor embed_rows(const model::Model& model, std::span<const std::vector<int64_t>> rows,
                      int64_t batch_tokens, Progress& progress);

}  // namespace ssmi::task
