#include "probe_options.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "device.h"
#include "source.h"
#include "ssmi/core/error.h"
#include "ssmi/model/tap.h"

namespace ssmi::cli {
namespace {

constexpr int64_t kDraws = 5;  ///< of a comparison

/// The points of each block that have a vector a token.
std::vector<std::string> token_sites() {
  std::vector<std::string> names{"hidden_states"};
  for (const model::SiteInfo& info : model::sites()) {
    const bool is_default = info.site == model::Site::kBlockOutput;
    if (info.per_block && info.shape.starts_with("[S, ") && !is_default)
      names.emplace_back(info.name);
  }
  return names;
}

template <typename T>
void sort_unique(std::vector<T>& items) {
  std::ranges::sort(items);
  items.erase(std::ranges::unique(items).begin(), items.end());
}

/// Runs of digits as numbers: "step-9" before "step-10".
bool naturally_less(std::string_view a, std::string_view b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto number = [&](std::string_view& text) {
    const auto* end = std::ranges::find_if_not(text, is_digit);
    std::string_view digits(text.begin(), end);
    text.remove_prefix(digits.size());
    digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
    return std::pair(digits.size(), digits);
  };
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const auto first = number(a), second = number(b);
      if (first != second) return first < second;
      continue;
    }
    if (a.front() != b.front()) return a.front() < b.front();
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.size() < b.size();
}

/// The folders and files that a shell's pattern names, in natural order.
std::vector<std::string> matches(const std::string& pattern) {
  glob_t found{};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (status == GLOB_NOMATCH) fail(ExitCode::kUsage, "--checkpoints {}: matches nothing", pattern);
  if (status != 0) fail(ExitCode::kDisk, "--checkpoints {}: cannot be read", pattern);
  std::ranges::sort(paths, naturally_less);
  return paths;
}

void add_work_options(CLI::App& command, ProbeOptions& options) {
  constexpr int64_t kMaxPairs = 10'000'000;
  auto& suite = options.suite;
  command.add_option("--tasks", options.tasks, "What to ask of pairs of tokens, or of tokens")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember(tasks_by_name()))
      ->capture_default_str();
  command.add_option("--probes", options.probes, "How to ask")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"linear", "ridge", "directprobe", "structural", "ast"}))
      ->capture_default_str();
  command.add_option("--layers", suite.layers, "Layers, 0 is the embedding (default: all)")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option(
          "--site", options.site,
          "Whose vectors: the residual stream (hidden_states), or a point inside each block "
          "(docs/embed.md)")
      ->check(CLI::IsMember(token_sites()))
      ->capture_default_str();
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
  command.add_flag("--learning-curve", suite.learning_curve,
                   "Also fit linear to 1/2, 1/4 .. 1/32 of the pairs");
  command.add_option("--ranks", suite.ranks, "Ranks of the projections of structural and ast")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(int64_t{1}, int64_t{4096}))
      ->capture_default_str();
  command
      .add_option("--tree-functions", suite.trees.functions,
                  "Functions to draw for structural and ast, over all parts")
      ->check(CLI::Range(int64_t{10}, kMaxPairs))
      ->capture_default_str();
  command
      .add_option("--max-leaves", suite.trees.max_leaves,
                  "Of those, functions with more tokens than this are left out")
      ->check(CLI::Range(int64_t{5}, int64_t{5000}))
      ->capture_default_str();
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
  add_threads(command, options.threads);
}

void add_data_options(CLI::App& command, ProbeOptions& options) {
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

/// All options that were added before go without --vectors, but for those named here.
void add_vector_options(CLI::App& command, ProbeOptions& options) {
  CLI::Option* vectors =
      command
          .add_option("--vectors", options.vectors,
                      "Probe these instead of a model: safetensors with train_x, train_y, test_x, "
                      "test_y, or a folder with them as .npy, or with DirectProbe's train.emb, "
                      "train.ent, test.emb, test.ent")
          ->type_name("PATH");
  constexpr std::array<std::string_view, 4> kOfVectorsToo{"--probes", "--no-controls", "--seed",
                                                          "--threads"};
  for (CLI::Option* other : command.get_options()) {
    const bool is_shared =
        other == vectors || other == command.get_help_ptr() ||
        std::ranges::find(kOfVectorsToo, other->get_name()) != kOfVectorsToo.end();
    if (!is_shared) vectors->excludes(other);
  }
  command
      .add_option("--export", options.folder,
                  "Also write into this folder: pairs and their vectors (of --vectors: clusters, "
                  "predictions and distances)")
      ->type_name("DIR");
}

}  // namespace

const std::map<std::string, probe::Task>& tasks_by_name() {
  static const auto kByName = [] {
    std::map<std::string, probe::Task> names;
    for (const probe::Task task : probe::kTasks)
      names.emplace(probe::name(task), task);
    return names;
  }();
  return kByName;
}

void add_probe_options(CLI::App& command, ProbeOptions& options) {
  options.suite.draws = 0;  // until it is known how many checkpoints there are
  command
      .add_option("checkpoint", options.checkpoints,
                  "Checkpoint folders, weight files, or names of known ones")
      ->type_name("PATH")
      ->capture_default_str();
  command
      .add_option("--checkpoints", options.pattern,
                  "More of them, by a pattern: 'run/step-*' follows a training run")
      ->type_name("PATTERN");
  add_data_options(command, options);
  add_work_options(command, options);
  command.add_flag("--resume", options.resume, "Go on from what an interrupted run left");
  command.add_flag("--no-cache", options.no_cache,
                   "Neither take leaf vectors from the cache nor keep them there");
  add_vector_options(command, options);
  add_report_output(command, options.output)->required();
}

void complete(ProbeOptions& options, const CLI::App& command) {
  options.tasks_given = command.count("--tasks") > 0;
  if (options.pattern.empty()) return;
  if (command.count("checkpoint") == 0) options.checkpoints.clear();
  for (const std::string& step : matches(options.pattern)) {  // a base may be named before
    if (std::ranges::find(options.checkpoints, step) == options.checkpoints.end())
      options.checkpoints.push_back(step);
  }
}

bool ProbeOptions::asks_for(const char* probe) const {
  return std::ranges::find(probes, probe) != probes.end();
}

probe::SuiteOptions suite_options(const ProbeOptions& options) {
  probe::SuiteOptions suite = options.suite;
  suite.device = device_named(options.device);
  suite.folder = options.folder;
  if (options.site != "hidden_states") suite.site = model::site_named(options.site);
  sort_unique(suite.layers);
  suite.linear = options.asks_for("linear");
  suite.directprobe = options.asks_for("directprobe");
  suite.ridge = options.asks_for("ridge");
  suite.structural = options.asks_for("structural");
  suite.ast = options.asks_for("ast");
  if (suite.linear || suite.directprobe || suite.ridge) {
    for (const std::string& task : options.tasks)
      suite.corpus.tasks.push_back(tasks_by_name().at(task));
  }
  sort_unique(suite.corpus.tasks);
  sort_unique(suite.ranks);
  suite.corpus.input = options.input == "tokens" ? probe::Input::kTokens : probe::Input::kSource;
  suite.split = options.split == "pair" ? probe::Split::kPair : probe::Split::kFunction;
  suite.corpus.seed = suite.seed;
  if (suite.learning_curve && !suite.linear) {
    fail(ExitCode::kUsage, "--learning-curve: is one of linear; add it to --probes");
  }
  if (!options.folder.empty() && suite.corpus.tasks.empty()) {
    fail(ExitCode::kUsage, "--export: writes pairs; add a probe of pairs to --probes");
  }
  suite.controls = !options.no_controls;
  if (options.no_controls) suite.twins = 0;
  if (suite.draws > 1 && !suite.linear) {
    fail(ExitCode::kUsage, "--draws: only linear is asked of several draws; add it to --probes");
  }
  if (suite.draws == 0) suite.draws = options.checkpoints.size() > 1 && suite.linear ? kDraws : 1;
  return suite;
}

}  // namespace ssmi::cli
