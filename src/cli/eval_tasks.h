#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "commands.h"
#include "report_output.h"
#include "ssmi/core/json.h"
#include "ssmi/core/progress.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/model/model.h"
#include "ssmi/text/tokenizer.h"

namespace ssmi::cli {

struct EvalOptions {
  std::string checkpoint = kBundledModel, against, task, data, fit, device = "cpu";
  int64_t length = 256, max_pieces = 0, batch_tokens = 4096;
  uint64_t seed = 1, split_seed = 0;
  int threads = 0;
  ReportOutput output;
};

struct EvalModel {
  std::string name;
  io::Checkpoint checkpoint;
  std::unique_ptr<model::Model> model;
  std::unique_ptr<text::Tokenizer> tokenizer;
};

/// The model that is judged, and perhaps another one that it is set against.
struct EvalModels {
  EvalModel own;
  std::optional<EvalModel> against;
};

/// Throws Error{kMismatch} unless both cut texts alike, so that both are asked the same.
void require_same_tokenizer(const EvalModels& models);

/// What a task's evaluation puts into the report.
struct EvalResult {
  Json data, metrics;
  std::string baseline;  ///< what it is, in words
};

/// --task mlm and lm.
EvalResult judge_tokens(const EvalOptions& options, const EvalModels& models, Progress& progress);
/// --task code-search and sqa.
EvalResult judge_search(const EvalOptions& options, const EvalModels& models, Progress& progress);
/// --task types.
EvalResult judge_types(const EvalOptions& options, const EvalModels& models, Progress& progress);

}  // namespace ssmi::cli
