#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "commands.h"
#include "device.h"
#include "probe_options.h"
#include "probe_results.h"
#include "probe_vectors.h"
#include "progress.h"
#include "source.h"
#include "ssmi/analysis/probe/suite.h"
#include "ssmi/code/dataflow.h"
#include "ssmi/code/functions.h"
#include "ssmi/code/language.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/utf8.h"
#include "ssmi/model/model.h"
#include "ssmi/report/comparison_report.h"
#include "ssmi/report/detail_report.h"
#include "ssmi/report/probe_report.h"
#include "ssmi/report/run.h"
#include "ssmi/report/tree_report.h"
#include "user_cache.h"

namespace ssmi::cli {
namespace {

/// A checkpoint with what reads its text; `subject` points into it.
struct Opened {
  io::Checkpoint checkpoint;
  std::unique_ptr<text::Tokenizer> tokenizer;
  int64_t max_tokens = 0;   ///< the longest row the model takes; 0: any length
  int64_t hidden_size = 0;  ///< of the residual stream

  /// Whether its folder's name says that it was only pretrained further.
  bool is_continued() const {
    const auto folder = std::filesystem::canonical(checkpoint.folder);
    return folder.filename().string().find("-continued") != std::string::npos;
  }
};

std::vector<Opened> open_all(const std::vector<std::string>& names, Progress& progress) {
  std::vector<Opened> opened;
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (!is_utf8(name)) fail(ExitCode::kUsage, "{}: is no UTF-8 name", excerpt(name));
    const std::filesystem::path path = resolve_model(name);
    Opened entry{io::open_checkpoint(path), nullptr};
    if (!seen.insert(std::filesystem::canonical(path)).second) {
      fail(ExitCode::kUsage, "{}: is given twice", name);
    }
    // What is wrong with it is found out before the work, not after it.
    const auto [model, notes] = model::checked_model(entry.checkpoint);
    note_all(notes, progress);
    entry.max_tokens = model->info().max_tokens;
    entry.hidden_size = model->info().hidden_size;
    entry.tokenizer = text::load_tokenizer(entry.checkpoint);
    opened.push_back(std::move(entry));
  }
  return opened;
}

/// Functions that do not fit one of the models are left out for all.
void settle_length(const std::vector<Opened>& opened, int64_t& max_tokens, Progress& progress) {
  for (const Opened& entry : opened) {
    if (entry.max_tokens == 0 || entry.max_tokens >= max_tokens) continue;
    max_tokens = entry.max_tokens;
    progress.note(fmt::format("{}: has positions for {} tokens; functions with more are left out",
                              entry.checkpoint.folder.string(), max_tokens));
  }
}

/// Of the residual stream; other sites have widths that only a pass tells.
void check_ranks(const std::vector<Opened>& opened, const probe::SuiteOptions& suite) {
  if (suite.site || !(suite.structural || suite.ast) || suite.ranks.empty()) return;
  for (const Opened& entry : opened) {
    if (suite.ranks.back() <= entry.hidden_size) continue;
    fail(ExitCode::kMismatch, "rank {}: the vectors of {} have {} numbers", suite.ranks.back(),
         entry.checkpoint.folder.string(), entry.hidden_size);
  }
}

/// Data flow is not known for every language: what needs it is refused where it was asked for, else
/// left out.
void settle_tasks(ProbeOptions& options, const code::FunctionSet& set, Progress& progress) {
  std::erase_if(options.tasks, [&](const std::string& task) {
    if (!probe::task_info(tasks_by_name().at(task)).needs_flow) return false;
    for (const code::Language* language : set.languages) {
      try {
        code::require_data_flow(*language);
      } catch (const Error& error) {
        if (options.tasks_given) throw;
        progress.note(fmt::format("task {} is left out: {}", task, error.what()));
        options.tasks_left_out.emplace(task, error.what());
        return true;
      }
    }
    return false;
  });
}

Json grammars(const code::FunctionSet& set) {
  Json list = Json::array();
  for (const code::Language* language : set.languages) {
    list.push_back({{"name", language->name()}, {"version", language->version()}});
  }
  return list;
}

/// Everything that decides the results, and so what a resumed run must have in common.
Json run_object(const ProbeOptions& options, const probe::SuiteOptions& suite,
                const std::vector<Opened>& opened, const code::FunctionSet& set) {
  Json run = report::run_environment(options.device);
  run["seed"] = suite.seed;
  run["config"] = {{"tasks", options.tasks},
                   {"tasks_left_out", options.tasks_left_out},
                   {"probes", options.probes},
                   {"site", options.site},
                   {"layers", suite.layers},
                   {"pairs_per_label", suite.pairs_per_label},
                   {"directprobe_pairs", suite.directprobe_pairs},
                   {"learning_curve", suite.learning_curve},
                   {"ranks", suite.ranks},
                   {"tree_functions", suite.trees.functions},
                   {"max_leaves", suite.trees.max_leaves},
                   {"input", options.input},
                   {"split", options.split},
                   {"max_tokens", suite.corpus.max_tokens},
                   {"overlong", "left_out"},
                   {"special_tokens", "added"},
                   {"max_functions", suite.corpus.max_functions},
                   {"reference_slip", suite.corpus.reference_slip},
                   {"controls", suite.controls},
                   {"twins", suite.twins},
                   {"draws", suite.draws}};
  run["checkpoints"] = Json::array();
  for (size_t i = 0; i < opened.size(); ++i) {
    run["checkpoints"].push_back({{"name", options.checkpoints[i]},
                                  {"sha256", io::checkpoint_sha256(opened[i].checkpoint)},
                                  {"tokenizer_sha256", opened[i].tokenizer->sha256()}});
  }
  run["data_sha256"] = set.sha256;
  run["grammars"] = grammars(set);
  return run;
}

/// What was probed and what was left out, on reading and later.
Json data_object(const probe::SuiteData& data, const code::FunctionSet& set) {
  Json object = report::probe_data(data);
  object["dropped"]["broken_files"] = set.files_broken;
  object["dropped"]["broken_functions"] = set.functions_broken;
  object["dropped"]["too_large_files"] = set.files_too_large;
  return object;
}

/// All checkpoints with the first, and with each that was only pretrained further: what
/// fine-tuning did beyond that.
std::vector<probe::Comparison> compared(const ProbeOptions& options,
                                        const probe::SuiteOptions& suite,
                                        const std::vector<Opened>& opened,
                                        const std::vector<probe::TestPairs>& tests,
                                        const std::vector<probe::Answers>& answers,
                                        Progress& progress) {
  std::vector<probe::Comparison> comparisons;
  probe::CompareOptions comparing;
  comparing.seed = suite.seed;
  const auto& names = options.checkpoints;
  if (names.size() > 1 && !suite.linear) {
    progress.note("probe: checkpoints are compared by linear alone; add it to --probes");
    return comparisons;
  }
  for (size_t base = 0; base < names.size(); ++base) {
    if (base > 0 && !opened[base].is_continued()) continue;
    for (size_t other = 1; other < names.size(); ++other) {
      if (other == base || (base > 0 && opened[other].is_continued())) continue;
      comparisons.push_back(probe::compare(names[base], names[other], tests, answers, comparing));
    }
  }
  return comparisons;
}

std::vector<probe::RelationAccuracy> broken_down(const ProbeOptions& options,
                                                 const probe::SuiteOptions& suite,
                                                 const std::vector<probe::TestPairs>& tests,
                                                 const std::vector<probe::Answers>& answers) {
  probe::CompareOptions comparing;
  comparing.seed = suite.seed;
  std::vector<probe::RelationAccuracy> all;
  for (const std::string& name : options.checkpoints) {
    const auto own = probe::breakdown(name, tests, answers, comparing);
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

/// What an interrupted run exported does not come again.
void refuse_half_export(const ProbeOptions& options, const probe::SuiteOptions& suite,
                        const ProbeResults& results) {
  if (options.folder.empty() || results.steps() == 0) return;
  const auto task = probe::name(suite.corpus.tasks.front());
  const auto pairs = std::filesystem::path(options.folder) / fmt::format("{}-pairs.csv", task);
  if (!std::filesystem::exists(pairs)) {
    fail(ExitCode::kMismatch,
         "{}: is not there: the interrupted run exported nothing into this folder; export into the "
         "same one, or start anew",
         pairs.string());
  }
}

/// Nothing where it is left out, where it has no place, and for passes on a GPU, whose bytes may
/// differ from run to run.
std::optional<io::ActivationCache> cache_for(const ProbeOptions& options,
                                             const probe::SuiteOptions& suite, Progress& progress) {
  if (options.no_cache || !suite.device.is_cpu()) return std::nullopt;
  try {
    auto cache = user_cache(report::pass_environment(options.device));
    if (cache && cache->max_bytes() == 0) return std::nullopt;
    if (!cache) progress.note(fmt::format("probe: {}", kNoCacheFolder));
    return cache;
  } catch (const Error& error) {  // no /proc, say, to see what runs
    if (error.code() != ExitCode::kDisk) throw;
    progress.note(fmt::format("probe: nothing is kept for later runs: {}", error.what()));
    return std::nullopt;
  }
}

void run(ProbeOptions options) {
  catch_signals();
  const report::Timing timing;
  StderrProgress progress(options.output.quiet);
  if (options.threads > 0) at::set_num_threads(options.threads);
  const auto opened = open_all(options.checkpoints, progress);
  if (options.data.empty()) options.data = share_folder() / "data/python-functions.jsonl.xz";
  const auto* language =
      options.language.empty() ? nullptr : &code::Language::named(options.language);
  const auto set = code::load_functions(options.data, options.field, language);
  note_left_out(set, progress);
  settle_tasks(options, set, progress);
  auto suite = suite_options(options);
  settle_length(opened, suite.corpus.max_tokens, progress);
  check_ranks(opened, suite);

  const Json run = run_object(options, suite, opened, set);
  std::vector<probe::Subject> subjects;
  for (size_t i = 0; i < opened.size(); ++i) {
    subjects.push_back({options.checkpoints[i], &opened[i].checkpoint, opened[i].tokenizer.get(),
                        run["checkpoints"][i]["sha256"]});
  }
  auto cache = cache_for(options, suite, progress);
  suite.cache = cache ? &*cache : nullptr;
  for (const Opened& entry : opened)
    check_output(options.output.file, entry.checkpoint);
  check_output(options.output.file, options.data);
  ProbeResults results(options.output.file, run, options.resume);
  if (options.resume) {
    progress.note(fmt::format("probe: {} steps taken over from an earlier run", results.steps()));
  }
  refuse_half_export(options, suite, results);
  const auto data = probe::run_suite(suite, subjects, set.functions, results, progress);

  auto [rows, trees] = results.in_order(probe::plan(suite, subjects));
  report::add_selectivity(rows);
  const Json summary = report::probe_summary(rows);
  const auto answers = results.answers();
  const auto comparisons = compared(options, suite, opened, data.tests, answers, progress);
  const auto relations = broken_down(options, suite, data.tests, answers);
  const Json report{{"schema", "ssmi/probe/1"},
                    {"run", run},
                    {"data", data_object(data, set)},
                    {"results", rows},
                    {"trees", trees},
                    {"summary", summary},
                    {"relations", report::relations_json(relations)},
                    {"comparisons", report::comparisons_json(comparisons)},
                    {"timing", timing.json()}};
  std::string tables = report::probe_functions(report["data"]) + report::probe_tables(rows) +
                       report::tree_tables(trees) +
                       report::probe_details(summary, rows, relations) +
                       report::comparison_tables(comparisons);
  if (!summary.empty()) tables += "Shown: " + report::probe_sentence(summary) + ".\n";
  write_report(options.output, report);
  results.discard_partial();
  show_report(options.output, report, tables);
}

}  // namespace

void add_probe(CLI::App& app) {
  auto options = std::make_shared<ProbeOptions>();
  CLI::App* command = app.add_subcommand(
      "probe", "Find out what each layer knows about the syntax and data flow of code");
  add_probe_options(*command, *options);
  command->callback([options, command] {
    complete(*options, *command);
    if (options->vectors.empty()) {
      run(*options);
    } else {
      probe_vectors(*options);
    }
  });
}

}  // namespace ssmi::cli
