#pragma once

#include "ssmi/core/json.h"
#include "ssmi/train/config.h"

namespace ssmi::train::test {

/// A run of a few steps of the smallest CodeSSM.
inline Json tiny_json() {
  return Json::parse(R"({
    "model": {"model_type": "codessm", "architectures": ["CodeSSMForMaskedLM"], "vocab_size": 12,
              "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_ssm": 2,
              "type_vocab_size": 1},
    "objective": "mlm", "steps": 6, "length": 8, "batch_tokens": 16, "learning_rate": 0.01,
    "state_learning_rate": 0.001, "final_learning_rate": 0.1, "warmup": 2, "weight_decay": 0.1,
    "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8, "clip": 1, "checkpoint_every": 2,
    "validate_every": 3, "log_every": 1, "validation_tokens": 16, "seed": 1})");
}

inline TrainConfig tiny_config() {
  return read_train_config(tiny_json(), "tiny.json");
}

}  // namespace ssmi::train::test
