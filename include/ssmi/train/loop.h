#pragma once

#include <cstdint>
#include <filesystem>

#include "ssmi/core/progress.h"
#include "ssmi/model/model.h"
#include "ssmi/text/tokenizer.h"
#include "ssmi/train/checkpoint.h"
#include "ssmi/train/config.h"
#include "ssmi/train/work.h"

namespace ssmi::train {

/// What a checkpoint folder needs beside the weights.
struct Made {
  Json config;                ///< its config.json
  text::TextFiles tokenizer;  ///< the tokenizer's files; none where the config names it
};

/// Trains `model`, whose parameters are filled, at `work`, from the folder's newest checkpoint on.
/// Every `log_every` steps a line goes to log.jsonl in the folder. A signal ends the run after the
/// step at hand, with a checkpoint. Throws Error{kCheckFailed} when the loss is no longer finite,
/// with the last checkpoint as it was; Error{kDisk}.
void train(const TrainConfig& config, const Work& work, const Made& made, const RunFolder& folder,
           model::Model& model, Progress& progress);

}  // namespace ssmi::train
