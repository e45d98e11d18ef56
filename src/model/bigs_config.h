#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "architectures.h"
#include "config_keys.h"
#include "ssmi/core/json.h"

namespace ssmi::model {

constexpr int64_t kBigsConvolutionGroups = 8;  ///< of the high-frequency path

/// What a BiGS ends in.
enum class BigsHead { kNone, kMaskedLm, kTokenClassification, kSequenceClassification, kPredictor };

/// A BiGS config, checked; docs/models.md has the keys and what they default to.
struct BigsConfig {
  std::string architecture;
  int64_t vocab, width, inner, layers, states, types;
  int64_t positions;  ///< 0: no position embeddings
  int64_t kernels;    ///< of each direction of a block
  double norm_epsilon, initializer_range;
  bool high_frequency;
  bool tied;              ///< decoder weights are the word embeddings
  Activation activation;  ///< of the masked-LM head
  BigsHead head = BigsHead::kNone;
  int64_t labels = 0;  ///< of a classifier or predictor
  std::vector<std::string> notes;
};

/// Reads it. The head is what `architectures` names, or else what `stored` has the tensors of.
BigsConfig read_bigs_config(const JsonObject& config, const Stored& stored, bool with_positions);

}  // namespace ssmi::model
