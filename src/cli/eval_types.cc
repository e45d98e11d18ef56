#include <ATen/ops/argmax.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "eval_tasks.h"
#include "ssmi/core/error.h"
#include "ssmi/report/eval_report.h"
#include "ssmi/task/metrics.h"
#include "ssmi/task/types.h"

namespace ssmi::cli {
namespace {

using task::Classified;

/// The names of the labels, by id, as config.json has them.
std::vector<std::string> labels_of(const io::Checkpoint& checkpoint) {
  const std::string where = checkpoint.config_path.string();
  const JsonObject config(checkpoint.config, where);
  if (!config.has("id2label")) {
    fail(ExitCode::kMismatch,
         "{}: no 'id2label': --task types judges token classifiers whose labels are types", where);
  }
  const JsonObject names(config.at("id2label"), where + ": id2label");
  std::vector<std::string> labels;
  for (size_t id = 0; id < config.at("id2label").size(); ++id)
    labels.push_back(names.string(std::to_string(id)));
  return labels;
}

/// What the model's head says of each place.
std::vector<int64_t> predicted(const model::Model& model, const task::TypeBatch& batch,
                               size_t labels) {
  const at::Tensor logits = task::place_logits(model, batch, static_cast<int64_t>(labels));
  const at::Tensor best = at::argmax(logits, 1).cpu().contiguous();
  const auto* ids = best.const_data_ptr<int64_t>();
  return {ids, ids + best.numel()};
}

std::vector<Classified> judged(const EvalOptions& options, const EvalModel& opened,
                               const std::vector<task::TypedFunction>& functions, size_t labels,
                               Progress& progress) {
  const c10::InferenceMode no_gradients;
  std::vector<Classified> units;
  progress.begin("evaluating", "functions", functions.size());
  for (size_t first = 0; first < functions.size();) {
    int64_t tokens = 0;
    size_t last = first;
    for (; last < functions.size() && tokens < options.batch_tokens; ++last)
      tokens += static_cast<int64_t>(functions[last].ids.size());
    const auto batch = task::type_batch(std::span(functions).subspan(first, last - first));
    const std::vector<int64_t> answers = predicted(*opened.model, batch, labels);
    progress.advance(last - first);
    for (auto next = answers.begin(); first < last; ++first) {
      Classified& unit = units.emplace_back();
      for (const task::TypedPlace& place : functions[first].places) {
        unit.gold.push_back(place.label);
        unit.predicted.push_back(*next++);
      }
    }
    check_interrupted();
  }
  progress.end();
  return units;
}

/// The same places, each taken for the class that is most frequent among them.
std::vector<Classified> by_majority(std::vector<Classified> units) {
  std::map<int64_t, int64_t> counts;
  for (const Classified& unit : units)
    for (const int64_t label : unit.gold)
      ++counts[label];
  const auto most = std::ranges::max_element(counts, {}, [](const auto& e) { return e.second; });
  for (Classified& unit : units)
    std::ranges::fill(unit.predicted, most->first);
  return units;
}

}  // namespace

EvalResult judge_types(const EvalOptions& options, const EvalModels& models, Progress& progress) {
  const std::vector<std::string> labels = labels_of(models.own.checkpoint);
  require_same_tokenizer(models);
  if (models.against && labels_of(models.against->checkpoint) != labels) {
    fail(ExitCode::kMismatch, "--against {}: has other labels than {}", models.against->name,
         models.own.name);
  }
  const auto data = task::read_types(options.data, *models.own.tokenizer, labels, options.length);
  const auto units = judged(options, models.own, data.functions, labels.size(), progress);
  const auto trivial = by_majority(units);
  std::optional<std::vector<Classified>> others;
  if (models.against)
    others = judged(options, *models.against, data.functions, labels.size(), progress);

  const auto metric = [&](const auto& measure) {
    const auto of = [&](const std::vector<Classified>& answers) {
      return measure(answers, static_cast<int64_t>(labels.size()));
    };
    Random random(options.seed, "bootstrap/types");
    std::optional<task::Measure> against;
    if (others) against = of(*others);
    return report::metric(task::measured(of(units), of(trivial), against, random));
  };
  EvalResult result;
  result.metrics = {{"accuracy", metric(task::class_accuracy)},
                    {"f1_macro", metric(task::f1_macro)},
                    {"f1_weighted", metric(task::f1_weighted)}};
  result.data = {
      {"rows", data.rows},         {"functions", data.functions.size()}, {"targets", data.targets},
      {"unplaced", data.unplaced}, {"beyond_length", data.cut_off},      {"labels", labels},
      {"sha256", data.sha256}};
  result.baseline = "the most frequent class of these very places";
  return result;
}

}  // namespace ssmi::cli
