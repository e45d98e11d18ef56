#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "ssmi/core/random.h"
#include "ssmi/model/batch.h"
#include "ssmi/task/special_tokens.h"

namespace ssmi::task {

/// What a model is given and which tokens it has to name.
struct TokenBatch {
  model::Batch batch;
  at::Tensor positions;  ///< [M] int64, of the batch's tokens, ascending: where logits are judged
  at::Tensor labels;     ///< [M] int64, the ids to be named there
};

using TokenRows = std::vector<std::vector<int64_t>>;

/// Masked-language modelling (Devlin et al. 2019, section 3.1): of the tokens that are not special
/// 15 % are to be named; 80 % of these are replaced by the mask, 10 % by any token that is not
/// special, 10 % stay.
class Masking {
 public:
  static constexpr double kShare = 0.15, kMasked = 0.8, kReplaced = 0.1;

  /// `vocab_size` is the tokenizer's. Throws Error{kMismatch} when there is no mask token, or no
  /// token that is not special.
  Masking(const SpecialTokens& special, int64_t vocab_size);

  /// At least one token of the rows is to be named, if any can be.
  TokenBatch batch(TokenRows rows, Random& random) const;

 private:
  int64_t mask_;
  std::vector<bool> special_;      // by id
  std::vector<int64_t> ordinary_;  // ids that are not special
};

/// The stream that masks the batch of a training step, so that a resumed run masks it alike.
Random masking_stream(uint64_t seed, int64_t step);

/// Next-token modelling: all but the last token of each row name the one behind them.
TokenBatch next_token_batch(const TokenRows& rows);

}  // namespace ssmi::task
