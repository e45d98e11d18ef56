#include <fmt/format.h>

#include <algorithm>

#include "eval_tasks.h"
#include "ssmi/report/eval_report.h"
#include "ssmi/task/embedding.h"
#include "ssmi/task/metrics.h"
#include "ssmi/task/search.h"
#include "ssmi/task/search_pairs.h"

namespace ssmi::cli {
namespace {

using Texts = std::vector<std::string>;

/// Embeds texts and counts those that are cut short.
class Embedder {
 public:
  Embedder(const EvalOptions& options, const EvalModel& opened, Progress& progress)
      : options_(options), opened_(opened), progress_(progress) {}

  at::Tensor operator()(const Texts& texts) {
    std::vector<std::vector<int64_t>> rows;
    for (const std::string& text : texts) {
      // One more than is taken tells whether there is more.
      auto ids = task::first_tokens(*opened_.tokenizer, text, options_.length + 1);
      if (static_cast<int64_t>(ids.size()) > options_.length) {
        ++cut_short_;
        ids.pop_back();
      }
      rows.push_back(std::move(ids));
    }
    return task::embed_rows(*opened_.model, rows, options_.batch_tokens, progress_);
  }
  int64_t cut_short() const { return cut_short_; }

 private:
  const EvalOptions& options_;
  const EvalModel& opened_;
  Progress& progress_;
  int64_t cut_short_ = 0;
};

}  // namespace

EvalResult judge_search(const EvalOptions& options, const EvalModel& opened, Progress& progress) {
  const bool answers = options.task == "sqa";
  const task::SearchPairs pairs =
      answers ? task::read_answers(options.data, progress) : task::read_search_pairs(options.data);
  Embedder embed(options, opened, progress);
  const at::Tensor queries = embed(pairs.queries);
  const auto metric = [&](const Texts& codes, const char* stream) {
    Random random(options.seed, fmt::format("bootstrap/{}", stream)), unused = random;
    task::Metric mrr = task::mean_reciprocal_rank(task::ranks(queries, embed(codes)), random);
    mrr.baseline =
        task::mean_reciprocal_rank(task::tfidf_ranks(pairs.queries, codes), unused).value;
    return report::metric(mrr);
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
  result.data["cut_short"] = embed.cut_short();
  result.data["sha256"] = pairs.sha256;
  result.baseline = "TF-IDF of the words in names and texts";
  return result;
}

}  // namespace ssmi::cli
