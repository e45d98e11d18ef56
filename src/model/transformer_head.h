#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "affine.h"
#include "ssmi/model/batch.h"
#include "transformer_config.h"

namespace ssmi::model {

/// The layers of a Transformer's head, if it has one.
class TransformerHead {
 public:
  /// Shows its parameters; `words` is the name of the word embeddings.
  void visit(const TransformerConfig& config, const std::string& words,
             const ParameterVisitor& visitor);
  /// Logits of hidden [S, D]: [S, V], or [rows, labels] of the kinds that see one token of a row.
  at::Tensor logits(const TransformerConfig& config, const at::Tensor& hidden,
                    const Batch& batch) const;

 private:
  Affine dense_, norm_, output_;
  at::Tensor bias_;  // the output's, under another name
};

/// Whether a head gives one value a row.
bool is_per_row(HeadKind kind);

/// Whether a stored tensor belongs to a head that the model's class does not have.
bool is_of_other_head(const TransformerConfig& config, const std::string& name);

}  // namespace ssmi::model
