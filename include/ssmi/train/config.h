#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "ssmi/core/json.h"

namespace ssmi::train {

enum class Objective {
  kMaskedTokens,  ///< "mlm": 15 % of the tokens from what is around them
  kNextToken,     ///< "lm": each token from those before it
  kTypes,         ///< "types": the types of annotated places
  kCodeSearch,    ///< "code-search": the code that a text describes
  kAnswers,       ///< "sqa": the code that answers a question's title
};

/// What a training run is made of, as configs/train/*.json say it (docs/train.md). The same values,
/// data, seed and threads give the same weights.
struct TrainConfig {
  Json model;  ///< the checkpoint's config.json, its vocabulary the tokenizer's
  Objective objective{};
  int64_t steps;               ///< of the optimiser
  int64_t length;              ///< tokens of a window
  int64_t batch_tokens;        ///< tokens of a step, a multiple of `length`
  double learning_rate;        ///< of weights, at its peak
  double state_learning_rate;  ///< of state-space parameters, at its peak
  double final_learning_rate;  ///< as a share of the peak, at the last step
  int64_t warmup;              ///< steps of a linear rise from zero
  double weight_decay;         ///< of matrices alone
  double beta1, beta2, epsilon;
  double clip;                                          ///< largest norm of the gradient; 0: any
  int64_t checkpoint_every, validate_every, log_every;  ///< steps
  int64_t validation_tokens;                            ///< of the held-out slice, at most
  uint64_t seed;

  int64_t rows() const { return batch_tokens / length; }  ///< of a step
};

/// Reads one. `where` names it in messages. Throws Error{kBadInput} for a key that is missing, not
/// known, or out of range.
TrainConfig read_train_config(const Json& json, const std::string& where);

/// Puts `key=value` over what a config says; a dot leads into an object
/// ("model.num_hidden_layers"), "layers" is short for that. The value is JSON, or else a string.
/// Throws Error{kUsage} for a key that the config does not have, unless it is one of `model`.
void set_values(Json& config, std::span<const std::string> assignments);

/// The factor of all learning rates at a step, the first being 1: a linear rise, then half a cosine
/// down to `final_learning_rate`.
double schedule(const TrainConfig& config, int64_t step);

}  // namespace ssmi::train
