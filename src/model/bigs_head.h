#pragma once

#include "affine.h"
#include "bigs_config.h"
#include "ssmi/model/batch.h"

namespace ssmi::model {

/// The parameters of a BiGS's head, whichever it is, and what it gives.
class BigsHeadLayers {
 public:
  /// The base model's pooler comes with the head that reads it.
  void visit(const BigsConfig& config, const ParameterVisitor& visitor);
  /// [S, vocab or labels], or [rows, labels] for sequences.
  at::Tensor logits(const BigsConfig& config, const at::Tensor& hidden, const Batch& batch) const;

 private:
  void visit_masked_lm(const BigsConfig& config, const ParameterVisitor& visitor);

  Affine dense_;       // masked LM's transform, the pooler of sequences
  Affine norm_;        // masked LM
  Affine classifier_;  // also predictor and decoder
  at::Tensor bias_;    // masked LM's own name for the decoder's bias
};

/// Whether it is a parameter of a head other than `head`.
bool is_of_other_head(const std::string& name, BigsHead head);

}  // namespace ssmi::model
