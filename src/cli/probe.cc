#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include "commands.h"
#include "device.h"
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
#include "ssmi/core/file.h"
#include "ssmi/core/utf8.h"
#include "ssmi/model/model.h"
#include "ssmi/report/comparison_report.h"
#include "ssmi/report/probe_report.h"
#include "ssmi/report/run.h"

namespace ssmi::cli {
namespace {

constexpr int64_t kDraws = 5;  ///< of a comparison

struct Options {
  std::vector<std::string> checkpoints{kBundledModel};
  std::vector<std::string> tasks{"distance", "siblings", "dfg"};
  std::vector<std::string> probes{"linear", "directprobe"};
  std::map<std::string, std::string> tasks_left_out;  // task -> why
  std::string data, field = "code", language, input = "source", split = "function", out;
  probe::SuiteOptions suite;
  std::string device = "cpu", vectors, folder;
  int threads = 0;
  bool tasks_given = false, no_controls = false, resume = false, json = false, quiet = false;
};

const std::map<std::string, probe::Task>& tasks() {
  static const auto kByName = [] {
    std::map<std::string, probe::Task> names;
    for (const probe::Task task : probe::kTasks)
      names.emplace(probe::name(task), task);
    return names;
  }();
  return kByName;
}

/// A checkpoint with what reads its text; `subject` points into it.
struct Opened {
  io::Checkpoint checkpoint;
  std::unique_ptr<text::Tokenizer> tokenizer;
  int64_t max_tokens = 0;  ///< the longest row the model takes; 0: any length
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
    entry.tokenizer = text::load_tokenizer(entry.checkpoint);
    opened.push_back(std::move(entry));
  }
  return opened;
}

template <typename T>
void sort_unique(std::vector<T>& items) {
  std::ranges::sort(items);
  items.erase(std::ranges::unique(items).begin(), items.end());
}

probe::SuiteOptions suite_options(const Options& options) {
  probe::SuiteOptions suite = options.suite;
  suite.device = device_named(options.device);
  suite.folder = options.folder;
  sort_unique(suite.layers);
  const auto asks_for = [&](const char* probe) {
    return std::find(options.probes.begin(), options.probes.end(), probe) != options.probes.end();
  };
  for (const std::string& task : options.tasks)
    suite.corpus.tasks.push_back(tasks().at(task));
  sort_unique(suite.corpus.tasks);
  suite.linear = asks_for("linear");
  suite.directprobe = asks_for("directprobe");
  suite.corpus.input = options.input == "tokens" ? probe::Input::kTokens : probe::Input::kSource;
  suite.split = options.split == "pair" ? probe::Split::kPair : probe::Split::kFunction;
  suite.corpus.seed = suite.seed;
  suite.controls = !options.no_controls;
  if (options.no_controls) suite.twins = 0;
  if (suite.draws > 1 && !suite.linear) {
    fail(ExitCode::kUsage, "--draws: only linear is asked of several draws; add it to --probes");
  }
  if (suite.draws == 0) suite.draws = options.checkpoints.size() > 1 && suite.linear ? kDraws : 1;
  return suite;
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

/// Data flow is not known for every language: what needs it is refused where it was asked for, else
/// left out.
void settle_tasks(Options& options, const code::FunctionSet& set, Progress& progress) {
  std::erase_if(options.tasks, [&](const std::string& task) {
    if (!probe::task_info(tasks().at(task)).needs_flow) return false;
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
Json run_object(const Options& options, const probe::SuiteOptions& suite,
                const std::vector<Opened>& opened, const code::FunctionSet& set) {
  Json run = report::run_environment(options.device);
  run["seed"] = suite.seed;
  run["config"] = {{"tasks", options.tasks},
                   {"tasks_left_out", options.tasks_left_out},
                   {"probes", options.probes},
                   {"layers", suite.layers},
                   {"pairs_per_label", suite.pairs_per_label},
                   {"directprobe_pairs", suite.directprobe_pairs},
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
std::vector<probe::Comparison> compared(const Options& options, const probe::SuiteOptions& suite,
                                        const std::vector<probe::TestPairs>& tests,
                                        const std::vector<probe::Answers>& answers) {
  std::vector<probe::Comparison> comparisons;
  probe::CompareOptions comparing;
  comparing.seed = suite.seed;
  const auto& names = options.checkpoints;
  if (!suite.linear || names.size() < 2) return comparisons;
  const auto is_null = [](const std::string& name) {
    return name.find("-continued", name.find_last_of('/', name.size() - 2) + 1) != name.npos;
  };
  for (const std::string& base : names) {
    if (base != names.front() && !is_null(base)) continue;
    for (const std::string& other : names) {
      if (other == base || other == names.front()) continue;
      if (base != names.front() && is_null(other)) continue;
      comparisons.push_back(probe::compare(base, other, tests, answers, comparing));
    }
  }
  return comparisons;
}

std::vector<probe::RelationAccuracy> broken_down(const Options& options,
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
void refuse_half_export(const Options& options, const probe::SuiteOptions& suite,
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

void run(Options options) {
  catch_signals();
  const report::Timing timing;
  StderrProgress progress(options.quiet);
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

  std::vector<probe::Subject> subjects;
  for (size_t i = 0; i < opened.size(); ++i) {
    subjects.push_back({options.checkpoints[i], &opened[i].checkpoint, opened[i].tokenizer.get()});
  }
  const Json run = run_object(options, suite, opened, set);
  ProbeResults results(options.out, run, options.resume);
  if (options.resume) {
    progress.note(fmt::format("probe: {} steps taken over from an earlier run", results.steps()));
  }
  refuse_half_export(options, suite, results);
  const auto data = probe::run_suite(suite, subjects, set.functions, results, progress);

  const Json rows = results.in_order(probe::plan(suite, subjects));
  const Json summary = report::probe_summary(rows);
  const auto answers = results.answers();
  const auto comparisons = compared(options, suite, data.tests, answers);
  const auto relations = broken_down(options, suite, data.tests, answers);
  const Json report{{"schema", "ssmi/probe/1"},
                    {"run", run},
                    {"data", data_object(data, set)},
                    {"results", rows},
                    {"summary", summary},
                    {"relations", report::relations_json(relations)},
                    {"comparisons", report::comparisons_json(comparisons)},
                    {"timing", timing.json()}};
  write_file(options.out, to_text(report, 1) + "\n");
  results.discard_partial();
  if (options.json) {
    std::cout << to_text(report, 1) << '\n';
  } else if (!options.quiet) {
    std::cout << report::probe_functions(report["data"]) << report::probe_tables(rows);
    std::cout << report::probe_details(summary, rows, relations)
              << report::comparison_tables(comparisons);
    if (!summary.empty()) std::cout << "Shown: " << report::probe_sentence(summary) << ".\n";
    std::cout << "Report: " << options.out << '\n';
  }
}

void add_work_options(CLI::App& command, Options& options) {
  constexpr int64_t kMaxPairs = 10'000'000;
  auto& suite = options.suite;
  command.add_option("--tasks", options.tasks, "What to ask of pairs of tokens, or of tokens")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember(tasks()))
      ->capture_default_str();
  command.add_option("--probes", options.probes, "How to ask")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"linear", "directprobe"}))
      ->capture_default_str();
  command.add_option("--layers", suite.layers, "Layers, 0 is the embedding (default: all)")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option(
          "--pairs-per-label", suite.pairs_per_label,
          "Pairs or tokens to draw for each label (default: 1300 for distance, 1200 for role "
          "and node_type, 500 for parent_type and depth, 1500 else)")
      ->check(CLI::Range(int64_t{1}, kMaxPairs));
  command
      .add_option("--directprobe-pairs", suite.directprobe_pairs,
                  "Of those, how many directprobe takes (default: all)")
      ->check(CLI::Range(int64_t{1}, kMaxPairs));
  command.add_option("--twins", suite.twins, "Randomly initialised twins beside each checkpoint")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  command
      .add_option("--draws", suite.draws,
                  "Draws of pairs and split for linear (default: 5 for several checkpoints, which "
                  "are compared, else 1)")
      ->check(CLI::Range(1, 1000));
  command.add_flag("--no-controls", options.no_controls,
                   "Leave out majority, texts, shuffled labels, the control task, description "
                   "lengths and twins");
  command
      .add_option("--split", options.split,
                  "What train and test do not share: functions, or only pairs (published; leaks)")
      ->check(CLI::IsMember({"function", "pair"}))
      ->capture_default_str();
  command.add_flag("--reference-keywords", suite.corpus.reference_slip,
                   "Never take `true` and `or` as first tokens, as the reference's slip does");
  command.add_option("--seed", suite.seed, "Seed of every random choice")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_device(command, options.device);
  command.add_option("--threads", options.threads, "Threads (default: all cores)")
      ->check(CLI::PositiveNumber);
}

void add_data_options(CLI::App& command, Options& options) {
  auto& corpus = options.suite.corpus;
  command
      .add_option("--data", options.data,
                  "JSONL (plain or compressed), source file or folder (default: the bundled "
                  "functions)")
      ->type_name("FILE");
  command.add_option("--field", options.field, "Field of the JSONL rows")->capture_default_str();
  add_language_option(command, options.language,
                      "Language of the data (default: of files by extension, of JSONL Python)");
  command
      .add_option("--input", options.input,
                  "What the model reads: the source, or its tokens joined by spaces")
      ->check(CLI::IsMember({"source", "tokens"}))
      ->capture_default_str();
  command.add_option("--max-tokens", corpus.max_tokens, "Longer functions are left out")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      .add_option("--max-functions", corpus.max_functions,
                  "Draw this many of the functions (default: all)")
      ->check(CLI::PositiveNumber);
}

void add_vector_options(CLI::App& command, Options& options) {
  CLI::Option* vectors =
      command
          .add_option("--vectors", options.vectors,
                      "Probe these instead of a model: safetensors with train_x, train_y, test_x, "
                      "test_y, or a folder with them as .npy, or with DirectProbe's train.emb, "
                      "train.ent, test.emb, test.ent")
          ->type_name("PATH");
  for (const char* other :
       {"checkpoint", "--tasks", "--layers", "--pairs-per-label", "--directprobe-pairs", "--twins",
        "--draws", "--split", "--reference-keywords", "--device", "--data", "--field", "--language",
        "--input", "--max-tokens", "--max-functions", "--resume"}) {
    vectors->excludes(command.get_option(other));
  }
  command
      .add_option("--export", options.folder,
                  "Also write into this folder: pairs and their vectors (of --vectors: clusters, "
                  "predictions and distances)")
      ->type_name("DIR");
}

void run_on_vectors(const Options& options) {
  probe_vectors({.vectors = options.vectors,
                 .folder = options.folder,
                 .out = options.out,
                 .probes = options.probes,
                 .seed = options.suite.seed,
                 .threads = options.threads,
                 .controls = !options.no_controls,
                 .json = options.json,
                 .quiet = options.quiet});
}

}  // namespace

void add_probe(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->suite.draws = 0;  // until it is known how many checkpoints there are
  CLI::App* command = app.add_subcommand(
      "probe", "Find out what each layer knows about the syntax and data flow of code");
  command
      ->add_option("checkpoint", options->checkpoints,
                   "Checkpoint folders, weight files, or names of known ones")
      ->type_name("PATH")
      ->capture_default_str();
  add_data_options(*command, *options);
  add_work_options(*command, *options);
  command->add_flag("--resume", options->resume, "Go on from what an interrupted run left");
  add_vector_options(*command, *options);
  command->add_option("--out", options->out, "Report to write (JSON)")
      ->required()
      ->type_name("FILE");
  command->add_flag("--json", options->json, "Print the report instead of the table");
  command->add_flag("--quiet", options->quiet, "Print neither progress nor table");
  command->callback([options, command] {
    options->tasks_given = command->count("--tasks") > 0;
    if (options->vectors.empty()) {
      run(*options);
    } else {
      run_on_vectors(*options);
    }
  });
}

}  // namespace ssmi::cli
