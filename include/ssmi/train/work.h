#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "ssmi/core/json.h"
#include "ssmi/model/model.h"
#include "ssmi/task/corpus.h"
#include "ssmi/task/types.h"
#include "ssmi/text/tokenizer.h"
#include "ssmi/train/config.h"

namespace ssmi::train {

struct StepLoss {
  at::Tensor value;  ///< a scalar with its graph
  int64_t tokens;    ///< that the model was given
};

/// What a model is trained at. Both are pure functions of the model and their argument, so that a
/// run goes on from any step.
struct Work {
  std::function<StepLoss(const model::Model& model, int64_t step)> loss;  ///< steps from 1
  /// Without gradients: "validation_loss" and what else tells how good the model is; an empty
  /// object where nothing is held out.
  std::function<Json(const model::Model& model)> validate;
};

/// Masked or next tokens of a corpus, which must outlive it. Validation has pieces spread evenly
/// over the held-out documents, masked alike each time. Throws Error{kMismatch} when the corpus has
/// fewer tokens than a window, the tokenizer no mask that the objective needs, `model` no head that
/// names the tokenizer's tokens, or where it sees the next tokens that it would have to name.
Work token_work(const TrainConfig& config, const task::TokenCorpus& corpus,
                const text::Tokenizer& tokenizer, const model::Model& model);

/// The type of annotated places, by cross entropy over the mean logits of a place's tokens. One
/// function in twenty validates. Throws Error{kMismatch} where `model` has no head for `labels`.
Work types_work(const TrainConfig& config, std::vector<task::TypedFunction> functions,
                int64_t labels, const model::Model& model);

/// Texts and the codes they describe, as token ids.
struct TokenPairs {
  std::vector<std::vector<int64_t>> queries, codes;
};

/// Queries find their codes among those of the batch (InfoNCE, van den Oord et al. 2018, with the
/// other codes as negatives, both ways) by the product of embeddings of length 1 over a temperature
/// of 0.05. One pair in twenty validates.
Work search_work(const TrainConfig& config, TokenPairs pairs);

}  // namespace ssmi::train
