#include <fmt/format.h>

#include <optional>

#include "eval_tasks.h"
#include "ssmi/core/error.h"
#include "ssmi/report/eval_report.h"
#include "ssmi/task/corpus.h"
#include "ssmi/task/evaluate_tokens.h"

namespace ssmi::cli {
namespace {

/// The documents to evaluate on and those that the baseline counts.
struct Material {
  task::TokenCorpus corpus;
  std::optional<task::TokenCorpus> fit;

  const task::Documents& judged() const { return fit ? corpus.training : corpus.validation; }
  const task::Documents& counted() const { return fit ? fit->training : corpus.training; }
};

Material read_material(const EvalOptions& options, const text::Tokenizer& tokenizer,
                       Progress& progress) {
  task::CorpusOptions reading;
  reading.split_seed = options.split_seed;
  if (options.fit.empty()) {
    Material material{task::read_corpus(options.data, tokenizer, reading, progress), {}};
    if (material.judged().size() > 0) return material;
    fail(ExitCode::kMismatch,
         "{}: has a single package, so that none can be held out; name a corpus for the baseline "
         "by --fit to evaluate on all of it",
         options.data);
  }
  const task::CorpusOptions all{.hold_out = false, .split_seed = 0, .excluded = {}};
  return {task::read_corpus(options.data, tokenizer, all, progress),
          task::read_corpus(options.fit, tokenizer, reading, progress)};
}

/// As many pieces as were asked for, drawn, in their order.
std::vector<task::Piece> drawn_pieces(const EvalOptions& options,
                                      const task::Documents& documents) {
  std::vector<task::Piece> pieces = task::pieces(documents, options.length);
  const auto most = static_cast<size_t>(options.max_pieces);
  if (most == 0 || pieces.size() <= most) return pieces;
  std::vector<task::Piece> drawn;
  for (const size_t i : Random(options.seed, "pieces").sample(pieces.size(), most))
    drawn.push_back(std::move(pieces[i]));
  return drawn;
}

Json corpus_object(const Material& material, const std::vector<task::Piece>& pieces) {
  const task::Documents& judged = material.judged();
  Json data{{"rows", material.corpus.rows},
            {"rows_excluded", material.corpus.excluded},
            {"rows_empty", material.corpus.empty},
            {"documents", judged.size()},
            {"tokens", judged.ids.size()},
            {"pieces", pieces.size()},
            {"held_out", material.corpus.held_out},
            {"sha256", material.corpus.sha256},
            {"baseline_tokens", material.counted().ids.size()}};
  data["baseline_sha256"] = material.fit ? Json(material.fit->sha256) : Json(nullptr);
  return data;
}

}  // namespace

EvalResult judge_tokens(const EvalOptions& options, const EvalModels& models, Progress& progress) {
  using task::NeighbourTable;
  const bool masked = options.task == "mlm";
  require_same_tokenizer(models);
  const text::Tokenizer& tokenizer = *models.own.tokenizer;
  const int64_t vocab = tokenizer.vocab_size();
  std::optional<task::Masking> masking;
  if (masked) masking.emplace(task::special_tokens(tokenizer), vocab);
  const Material material = read_material(options, tokenizer, progress);
  const auto pieces = drawn_pieces(options, material.judged());
  if (pieces.empty()) bad_input("{}: no text of at least two tokens", options.data);
  if (!masked) {
    task::require_causal(models.own.model->info());
    if (models.against) task::require_causal(models.against->model->info());
  }

  const NeighbourTable table(material.counted().ids,
                             masked ? NeighbourTable::kAround : NeighbourTable::kBefore, vocab);
  const task::TokenTask how{masked ? &*masking : nullptr, options.seed, options.batch_tokens};
  const auto scores =
      task::evaluate_tokens(*models.own.model, pieces, how, vocab, &table, progress);
  std::optional<task::TokenEvaluation> others;
  if (models.against) {
    others = task::evaluate_tokens(*models.against->model, pieces, how, vocab, nullptr, progress);
  }
  const auto metric = [&](const auto& measure, const char* stream) {
    Random random(options.seed, fmt::format("bootstrap/{}", stream));
    std::optional<task::Measure> against;
    if (others) against = measure(others->model);
    return report::metric(
        task::measured(measure(scores.model), measure(scores.baseline), against, random));
  };
  const std::string accuracy = masked ? "masked_accuracy" : "accuracy";
  EvalResult result{corpus_object(material, pieces), Json::object(), {}};
  result.metrics[accuracy] = metric(task::token_accuracy, "accuracy");
  result.metrics["perplexity"] = metric(task::perplexity, "perplexity");
  result.baseline =
      masked ? "table of the tokens left and right" : "table of the two tokens before";
  return result;
}

}  // namespace ssmi::cli
