#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "eval_tasks.h"
#include "ssmi/report/eval_report.h"
#include "ssmi/task/embedding.h"
#include "ssmi/task/metrics.h"
#include "ssmi/task/search.h"
#include "ssmi/task/search_pairs.h"

namespace ssmi::cli {
namespace {

using Texts = std::vector<std::string>;

/// Finds queries' codes by a model's embeddings, and counts the texts that are cut short.
class Searcher {
 public:
  Searcher(const EvalOptions& options, const EvalModel& opened, const Texts& queries,
           Progress& progress)
      : options_(options), opened_(opened), progress_(progress), queries_(embed(queries)) {}

  std::vector<int64_t> ranks(const Texts& codes) { return task::ranks(queries_, embed(codes)); }
  int64_t cut_short() const { return cut_short_; }

 private:
  /// Equal texts have equal embeddings to the bit, so that they tie.
  at::Tensor embed(const Texts& texts) {
    std::map<std::string_view, int64_t> known;
    std::vector<int64_t> places;
    std::vector<std::vector<int64_t>> rows;
    std::vector<bool> cut;
    for (const std::string& text : texts) {
      const auto [place, is_new] = known.emplace(text, static_cast<int64_t>(rows.size()));
      places.push_back(place->second);
      if (!is_new) continue;
      // One more than is taken tells whether there is more.
      auto ids = task::first_tokens(*opened_.tokenizer, text, options_.length + 1);
      cut.push_back(static_cast<int64_t>(ids.size()) > options_.length);
      if (cut.back()) ids.pop_back();
      rows.push_back(std::move(ids));
    }
    for (const int64_t place : places)
      cut_short_ += cut[static_cast<size_t>(place)] ? 1 : 0;
    const at::Tensor distinct =
        task::embed_rows(*opened_.model, rows, options_.batch_tokens, progress_);
    return distinct.index_select(0, at::tensor(places, at::kLong));
  }

  const EvalOptions& options_;
  const EvalModel& opened_;
  Progress& progress_;
  int64_t cut_short_ = 0;
  at::Tensor queries_;
};

}  // namespace

EvalResult judge_search(const EvalOptions& options, const EvalModels& models, Progress& progress) {
  const bool answers = options.task == "sqa";
  const task::SearchPairs pairs =
      answers ? task::read_answers(options.data, progress) : task::read_search_pairs(options.data);
  Searcher own(options, models.own, pairs.queries, progress);
  std::optional<Searcher> other;
  if (models.against) other.emplace(options, *models.against, pairs.queries, progress);
  const auto metric = [&](const Texts& codes, const char* stream) {
    Random random(options.seed, fmt::format("bootstrap/{}", stream));
    const auto found = own.ranks(codes), trivial = task::tfidf_ranks(pairs.queries, codes);
    const auto others = other ? other->ranks(codes) : std::vector<int64_t>();
    std::optional<task::Measure> against;
    if (other) against = task::mean_reciprocal_rank(others);
    return report::metric(task::measured(task::mean_reciprocal_rank(found),
                                         task::mean_reciprocal_rank(trivial), against, random));
  };
  EvalResult result;
  result.metrics["mrr"] = metric(pairs.codes, "mrr");
  result.data["pairs"] = pairs.size();
  if (answers) {
    result.data["rows"] = pairs.rows;
    result.data["wrong"] = pairs.wrong;
    result.data["repeated_titles"] = pairs.repeated_queries;
    result.data["repeated_codes"] = pairs.repeated_codes;
  } else {
    // Snippets of answers are no functions whose names could be taken out.
    int64_t broken = 0;
    const Texts nameless = task::obfuscated(pairs.codes, broken);
    result.metrics["mrr_obfuscated"] = metric(nameless, "mrr_obfuscated");
    result.data["unparsed"] = broken;
  }
  result.data["cut_short"] = own.cut_short();
  result.data["sha256"] = pairs.sha256;
  result.baseline = "TF-IDF of the words in names and texts";
  return result;
}

}  // namespace ssmi::cli
