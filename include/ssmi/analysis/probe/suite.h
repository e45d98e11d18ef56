#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ssmi/analysis/probe/compare.h"
#include "ssmi/analysis/probe/corpus.h"
#include "ssmi/analysis/probe/result.h"
#include "ssmi/analysis/probe/trees.h"
#include "ssmi/core/progress.h"
#include "ssmi/io/activation_cache.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/model/tap.h"

namespace ssmi::probe {

struct SuiteOptions {
  CorpusOptions corpus;
  Split split = Split::kFunction;
  bool linear = true;
  bool directprobe = true;
  bool ridge = false;
  bool learning_curve = false;  ///< also fit `linear` to fewer and fewer pairs
  bool structural = false;      ///< probes of whole trees, which have no tasks
  bool ast = false;
  std::vector<int64_t> layers;      ///< 0 is the embedding output; empty takes all
  std::optional<model::Site> site;  ///< of each block, [S, width]; none: hidden states
  int64_t pairs_per_label = 0;      ///< 0 takes each task's default
  int64_t directprobe_pairs = 0;    ///< of those, how many DirectProbe takes; 0 takes all
  TreeOptions trees;
  std::vector<int64_t> ranks{64};  ///< of the projections of the probes of trees
  bool controls = true;  ///< majority, texts, shuffled labels, control task, description length
  int64_t twins = 3;     ///< randomly initialised twins of each checkpoint
  int64_t draws = 1;     ///< of pairs and split; all but the first are for `linear` alone
  uint64_t seed = 1;
  std::filesystem::path folder;    ///< to write pairs and vectors into; nowhere when it is empty
  c10::Device device = c10::kCPU;  ///< where models run; probes are fitted on the CPU
  io::ActivationCache* cache = nullptr;  ///< of leaf vectors; without it every pass is made
};

/// A checkpoint to probe, opened but not yet loaded.
struct Subject {
  std::string name;
  const io::Checkpoint* checkpoint;
  const text::Tokenizer* tokenizer;
  std::string sha256 = {};  ///< checkpoint_sha256(), for the cache's keys
};

/// A part of the work whose results are written when it is done: the controls without a model, or
/// one layer of one checkpoint or twin, with the pairs of one draw.
struct Step {
  size_t subject = 0;
  std::string control;  ///< "none" or "twin-<i>"; "texts" for the step without a model
  std::optional<int64_t> layer;
  int64_t draw = 0;
  std::string key() const;  ///< unique, for a resumed run
};

struct StepResults {
  std::vector<Result> results;
  std::vector<TreeResult> trees;
};

/// Takes results as they are made.
class ResultSink {
 public:
  virtual ~ResultSink() = default;
  /// Whether an earlier run did this step already.
  virtual bool has(const Step& step) const = 0;
  virtual void put(const Step& step, const StepResults& results) = 0;
};

/// What was probed, for the report.
struct SuiteData {
  int64_t functions = 0;                   ///< given
  int64_t probed = 0;                      ///< with at least one drawn pair
  std::map<std::string, int64_t> dropped;  ///< reason -> functions
  std::string pairs_sha256;                ///< of the drawn pairs: equal hashes, equal questions
  std::vector<TestPairs> tests;            ///< of each task and draw
};

/// All steps of a run in the order of the report.
std::vector<Step> plan(const SuiteOptions& options, const std::vector<Subject>& subjects);

/// Runs every step that the sink does not have. One pass a checkpoint (and twin) serves all layers
/// and tasks. Says what it will cost before it starts. Throws Error{kMismatch} for a layer that a
/// model does not have, Error{kBadInput} when the functions give no pairs.
SuiteData run_suite(const SuiteOptions& options, const std::vector<Subject>& subjects,
                    const std::vector<code::Function>& functions, ResultSink& sink,
                    Progress& progress);

}  // namespace ssmi::probe
