#include "ssmi/analysis/probe/suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <numeric>
#include <set>

#include "cached_vectors.h"
#include "export.h"
#include "jobs.h"
#include "places.h"
#include "ssmi/analysis/probe/leaf_vectors.h"
#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/core/hash.h"
#include "ssmi/model/model.h"
#include "tree_jobs.h"

namespace ssmi::probe {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTextsStep = "texts";

/// The checkpoint itself ("none") or its i-th random twin ("twin-i").
std::unique_ptr<model::Model> subject_model(const Subject& subject, const std::string& control,
                                            uint64_t seed) {
  if (control == "none") {
    return model::load_model(*subject.checkpoint, model::is_of_body).model;
  }
  auto twin = model::checked_model(*subject.checkpoint).model;
  model::initialise(*twin, Random(seed, control).next(), model::is_of_body);
  return twin;
}

std::vector<int64_t> layers_of(const SuiteOptions& options, const Subject& subject) {
  const model::ModelInfo info = model::checked_model(*subject.checkpoint).model->info();
  const int64_t last = info.layers, first = options.site ? 1 : 0;
  if (options.site && std::ranges::find(info.sites, *options.site) == info.sites.end()) {
    fail(ExitCode::kMismatch, "{}: a {} has no site '{}'", subject.name, info.architecture,
         model::info(*options.site).name);
  }
  std::vector<int64_t> layers = options.layers;
  if (layers.empty()) {
    layers.resize(static_cast<size_t>(last - first) + 1);
    std::iota(layers.begin(), layers.end(), first);
  }
  const bool others = options.linear || options.ridge || options.structural || options.ast;
  if (!others && layers == std::vector<int64_t>{0}) {
    fail(ExitCode::kMismatch,
         "directprobe is not asked of the embedding layer, which is full of equal "
         "vectors with different labels; name other layers, or --probes linear");
  }
  for (const int64_t layer : layers) {
    if (layer < first || layer > last) {
      fail(ExitCode::kMismatch, "layer {}: {} has {} to {}", layer, subject.name,
           options.site ? "blocks 1" : "layers 0 (embedding)", last);
    }
  }
  return layers;
}

class Suite {
 public:
  Suite(const SuiteOptions& options, const std::vector<Subject>& subjects,
        const std::vector<code::Function>& functions, Progress& progress);

  void run(const std::vector<Step>& steps, ResultSink& sink);
  SuiteData data() const;

 private:
  TaskInfo asked(TaskInfo task, const std::vector<std::vector<Candidate>>& candidates) const;
  PairSet drawn_pairs(const TaskInfo& task, const std::vector<std::vector<Candidate>>& candidates,
                      size_t draw) const;
  TestPairs test_pairs(const PairSet& set, int64_t draw) const;
  void show_mistakes(const Step& step, std::vector<Result>& results) const;
  std::vector<Job> jobs_without_model() const;
  VectorJob job_of(const Step& step, const at::Tensor& vectors) const;
  std::vector<Job> jobs_of_layer(const Step& step, const VectorJob& base) const;
  std::vector<TreeJob> tree_jobs_without_model() const;
  std::vector<TreeJob> tree_jobs_of_layer(const Step& step, const VectorJob& base) const;
  StepResults run_stage(const std::string& stage, const std::vector<Job>& jobs,
                        const std::vector<TreeJob>& tree_jobs) const;
  void run_pass(const std::vector<Step>& steps, ResultSink& sink);
  void export_layer(const Step& step, const at::Tensor& vectors) const;
  void note_cost(const std::vector<Step>& steps) const;

  const SuiteOptions& options_;
  const std::vector<Subject>& subjects_;
  const std::vector<code::Function>& functions_;
  Progress& progress_;
  Corpus corpus_;
  std::deque<TaskInfo> tasks_;                     // pair sets point at them
  std::vector<std::vector<PairSet>> linear_sets_;  // by draw and task
  std::vector<PairSet> directprobe_sets_;          // by task, of the first draw
  TreeSet trees_;
  std::unique_ptr<LeafSlots> slots_;
};

Suite::Suite(const SuiteOptions& options, const std::vector<Subject>& subjects,
             const std::vector<code::Function>& functions, Progress& progress)
    : options_(options), subjects_(subjects), functions_(functions), progress_(progress) {
  Tokenizers tokenizers;
  for (const Subject& subject : subjects)
    tokenizers.push_back(subject.tokenizer);
  corpus_ = prepare_corpus(functions, tokenizers, options.corpus, progress);
  linear_sets_.resize(static_cast<size_t>(options.draws));
  for (const Task task : options.corpus.tasks) {
    std::vector<std::vector<Candidate>> candidates;
    for (ParsedFunction& function : corpus_.functions) {
      candidates.push_back(std::move(function.candidates[static_cast<size_t>(task)]));
    }
    const TaskInfo& info = tasks_.emplace_back(asked(task_info(task), candidates));
    for (size_t draw = 0; draw < linear_sets_.size(); ++draw)
      linear_sets_[draw].push_back(drawn_pairs(info, candidates, draw));
    const PairSet& set = linear_sets_.front().back();
    const int64_t fewer = options.directprobe_pairs;
    directprobe_sets_.push_back(fewer > 0 && fewer < set.per_label ? set.first(fewer) : set);
  }
  std::vector<PairSet> all;
  for (const auto& sets : linear_sets_)
    all.insert(all.end(), sets.begin(), sets.end());
  if (options.structural || options.ast) {
    trees_ = draw_trees(corpus_, functions, deal_functions(corpus_.functions.size(), options.seed),
                        options.trees, options.seed);
  }
  slots_ = std::make_unique<LeafSlots>(corpus_.functions, all, trees_.functions());
}

/// The task with as many pairs as this run draws, and its labels.
TaskInfo Suite::asked(TaskInfo task, const std::vector<std::vector<Candidate>>& candidates) const {
  if (options_.pairs_per_label > 0) task.pairs_per_label = options_.pairs_per_label;
  if (!task.labels.empty()) return task;
  task.labels = frequent_labels(candidates, task.pairs_per_label);
  if (task.labels.size() < 2) {
    bad_input(
        "task {}: the {} functions that can be probed have no two labels of {} tokens each; "
        "give more functions, or a smaller --pairs-per-label",
        task.name(), corpus_.functions.size(), task.pairs_per_label);
  }
  return task;
}

/// The first draw is the seed's own, so that it does not depend on how many there are.
PairSet Suite::drawn_pairs(const TaskInfo& task,
                           const std::vector<std::vector<Candidate>>& candidates,
                           size_t draw) const {
  const uint64_t seed =
      draw == 0 ? options_.seed : Random(options_.seed, fmt::format("draw/{}", draw)).next();
  std::vector<Part> part_of = deal_functions(corpus_.functions.size(), options_.seed);
  if (draw > 0) part_of = deal_again(std::move(part_of), seed);
  PairSet set = draw_pairs(task, candidates, part_of, options_.split, task.pairs_per_label, seed);
  if (set.part(Part::kTrain).empty() || set.part(Part::kTest).empty()) {
    bad_input("task {}: the {} functions that can be probed give no pairs to train or test on",
              task.name(), corpus_.functions.size());
  }
  return set;
}

std::vector<Job> Suite::jobs_without_model() const {
  std::vector<Job> jobs;
  for (const PairSet& set : linear_sets_.front()) {
    jobs.push_back(majority_job(set, options_.seed));
    for (const bool with_gap : {false, true}) {
      if (with_gap && set.task->is_token()) continue;
      jobs.push_back(texts_job(set, corpus_.functions, with_gap, options_.seed));
    }
  }
  return jobs;
}

VectorJob Suite::job_of(const Step& step, const at::Tensor& vectors) const {
  return {subjects_[step.subject].name,
          step.control,
          step.layer.value(),
          slots_.get(),
          vectors,
          options_.seed,
          step.draw};
}

std::vector<TreeJob> Suite::tree_jobs_without_model() const {
  std::vector<TreeJob> jobs;
  if (options_.structural) jobs.push_back(positions_job(trees_, options_.seed));
  return jobs;
}

std::vector<TreeJob> Suite::tree_jobs_of_layer(const Step& step, const VectorJob& base) const {
  std::vector<TreeJob> jobs;
  if (step.draw > 0 || !(options_.structural || options_.ast)) return jobs;
  const TreeFit fit{base, &trees_, std::make_shared<const TreeVectors>(base, trees_)};
  for (const int64_t rank : options_.ranks) {
    if (options_.structural) jobs.push_back(structural_job(fit, rank));
    if (options_.ast) jobs.push_back(ast_job(fit, rank));
  }
  return jobs;
}

StepResults Suite::run_stage(const std::string& stage, const std::vector<Job>& jobs,
                             const std::vector<TreeJob>& tree_jobs) const {
  StepResults results;
  results.results.resize(jobs.size());
  results.trees.resize(tree_jobs.size());
  const auto run = [&](size_t i) {  // those of trees, which take longest, first
    if (i < tree_jobs.size()) {
      results.trees[i] = tree_jobs[i]();
    } else {
      results.results[i - tree_jobs.size()] = jobs[i - tree_jobs.size()]();
    }
  };
  progress_.begin(stage, "fits", jobs.size() + tree_jobs.size());
  run_each(jobs.size() + tree_jobs.size(), run, progress_);
  progress_.end();
  return results;
}

std::vector<Job> Suite::jobs_of_layer(const Step& step, const VectorJob& base) const {
  std::vector<Job> jobs;
  const auto& linear_sets = linear_sets_[static_cast<size_t>(step.draw)];
  const bool first_draw = step.draw == 0;
  const bool controlled = options_.controls && step.control == "none" && first_draw;
  // The embedding layer is full of equal vectors with different labels: no clusters there.
  const bool clustered = options_.directprobe && step.layer != 0 && first_draw;
  for (size_t task = 0; task < linear_sets.size(); ++task) {
    for (const Labelling labelling :
         {Labelling::kTrue, Labelling::kShuffled, Labelling::kControlTask}) {
      if (labelling != Labelling::kTrue && !controlled) continue;
      if (clustered && labelling != Labelling::kControlTask) {
        jobs.push_back(directprobe_job(base, directprobe_sets_[task], labelling));
      }
      if (options_.linear) {
        const bool described = controlled && labelling != Labelling::kShuffled;
        jobs.push_back(
            linear_job(base, linear_sets[task], corpus_.functions, labelling, described));
      }
    }
    if (options_.ridge && first_draw) jobs.push_back(ridge_job(base, linear_sets[task]));
    if (options_.learning_curve && step.control == "none" && first_draw) {
      const auto points = fewer_pairs_jobs(base, linear_sets[task], corpus_.functions);
      jobs.insert(jobs.end(), points.begin(), points.end());
    }
  }
  return jobs;
}

/// All steps of one model: one pass, then layer by layer.
void Suite::run_pass(const std::vector<Step>& steps, ResultSink& sink) {
  const Step& first = steps.front();
  const Subject& subject = subjects_[first.subject];
  const std::string what =
      first.control == "none" ? subject.name : subject.name + " " + first.control;
  std::vector<int64_t> layers;
  for (const Step& step : steps) {
    if (layers.empty() || layers.back() != step.layer) layers.push_back(step.layer.value());
  }
  model::Points points;
  for (const int64_t layer : layers)
    points.push_back(options_.site ? std::pair(*options_.site, layer) : model::hidden_state(layer));
  const auto& functions = corpus_.tokenised[first.subject];
  const auto forward = [&](const model::Points& wanted) {
    const auto model = subject_model(subject, first.control, options_.seed);
    model->move(options_.device);
    return leaf_vectors(*model, functions, *slots_, wanted, "forward " + what, progress_);
  };
  auto vectors = cached_vectors({options_.cache, subject, first.control, options_.seed}, functions,
                                *slots_, points, forward, progress_);
  size_t at = 0;  // in `layers`
  for (const Step& step : steps) {
    if (step.layer != layers[at]) vectors[at++].reset();
    if (!options_.folder.empty() && first.control == "none" && step.draw == 0) {
      export_layer(step, vectors[at]);
    }
    const VectorJob base = job_of(step, vectors[at]);
    auto results = run_stage(
        fmt::format("probe {} layer {}{}", what, layers[at],
                    step.draw > 0 ? fmt::format(" draw {}", step.draw + 1) : std::string()),
        jobs_of_layer(step, base), tree_jobs_of_layer(step, base));
    show_mistakes(step, results.results);
    sink.put(step, results);
  }
}

/// A folder for what is exported of each subject: its checkpoint's own name, numbered where several
/// have it.
std::vector<std::string> export_names(const std::vector<Subject>& subjects) {
  std::vector<std::string> names;
  for (const Subject& subject : subjects) {
    const auto folder = fs::weakly_canonical(subject.checkpoint->folder).filename().string();
    std::string name = folder;
    for (int i = 2; std::ranges::find(names, name) != names.end(); ++i)
      name = fmt::format("{}-{}", folder, i);
    names.push_back(name);
  }
  return names;
}

void Suite::export_layer(const Step& step, const at::Tensor& vectors) const {
  const fs::path folder = options_.folder / export_names(subjects_)[step.subject];
  make_folder(folder);
  for (const PairSet& set : linear_sets_.front()) {
    const auto file = fmt::format("{}-layer-{}.safetensors", set.task->name(), step.layer.value());
    export_vectors(folder / file, set, *slots_, vectors,
                   {{"checkpoint", subjects_[step.subject].name},
                    {"task", std::string(set.task->name())},
                    {"layer", std::to_string(step.layer.value())}});
  }
}

void Suite::run(const std::vector<Step>& steps, ResultSink& sink) {
  if (!options_.folder.empty()) {
    make_folder(options_.folder);
    for (const PairSet& set : linear_sets_.front()) {
      export_pairs(options_.folder / fmt::format("{}-pairs.csv", set.task->name()), set, corpus_,
                   functions_);
    }
  }
  std::vector<Step> open;
  std::copy_if(steps.begin(), steps.end(), std::back_inserter(open),
               [&](const Step& step) { return !sink.has(step); });
  note_cost(open);
  for (auto step = open.begin(); step != open.end();) {
    if (step->control == kTextsStep) {
      sink.put(*step++, run_stage("controls without a model", jobs_without_model(),
                                  tree_jobs_without_model()));
      continue;
    }
    const auto end = std::find_if(step, open.end(), [&](const Step& other) {
      return other.subject != step->subject || other.control != step->control;
    });
    run_pass({step, end}, sink);
    step = end;
  }
}

void Suite::note_cost(const std::vector<Step>& steps) const {
  int64_t trees = 0, edges = 0;
  for (const auto& part : trees_.parts) {
    trees += static_cast<int64_t>(part.size());
    for (const FunctionTree& tree : part)
      edges += tree.leaves() * tree.leaves();
  }
  if (trees > 0) {
    progress_.note(fmt::format("probe: trees of {} functions; their distances are {:.0f} MB", trees,
                               static_cast<double>(edges) * 4 / 1e6));
  }
  for (size_t subject = 0; subject < subjects_.size(); ++subject) {
    std::map<std::string, std::set<int64_t>> layers;  // by control
    for (const Step& step : steps) {
      if (step.subject == subject && step.layer) layers[step.control].insert(*step.layer);
    }
    if (layers.empty()) continue;
    const auto& functions = corpus_.tokenised[subject];
    int64_t tokens = 0, rows = 0, most = 0;
    for (size_t f = 0; f < functions.size(); ++f) {
      if (slots_->leaves(f).empty()) continue;
      tokens += static_cast<int64_t>(functions[f].ids.size());
      ++rows;
    }
    for (const auto& [control, own] : layers)
      most = std::max(most, static_cast<int64_t>(own.size()));
    const double bytes =
        static_cast<double>(slots_->size() * most) * 4 *
        static_cast<double>(
            model::checked_model(*subjects_[subject].checkpoint).model->info().hidden_size);
    progress_.note(
        fmt::format("probe: {}: {} pass{} over {} functions ({} tokens each time); {} leaf vectors "
                    "in {} layers "
                    "kept, {:.0f} MB",
                    subjects_[subject].name, layers.size(), layers.size() == 1 ? "" : "es", rows,
                    tokens, slots_->size(), most, bytes / 1e6));
  }
}

/// Places of what the checkpoint itself is wrong about, in the first draw; other rows show nothing.
void Suite::show_mistakes(const Step& step, std::vector<Result>& results) const {
  for (Result& result : results) {
    if (result.control != "none" || step.draw != 0) result.mistakes.clear();
    for (Mistake& mistake : result.mistakes) {
      const auto& sets = linear_sets_.front();
      const auto set = std::ranges::find_if(
          sets, [&](const PairSet& one) { return one.task->name() == result.task; });
      const Pair& pair = set->part(Part::kTest)[static_cast<size_t>(mistake.item)];
      mistake.place = place_of(pair, corpus_, functions_);
    }
  }
}

void hash_pairs(const PairSet& set, Sha256& hash) {
  hash.update(set.task->name());
  for (const Part which : kParts) {
    for (const Pair& pair : set.part(which)) {
      hash.update(fmt::format("{} {} {} {} {}\n", static_cast<int>(which), pair.function,
                              pair.first, pair.second, pair.label));
    }
  }
}

TestPairs Suite::test_pairs(const PairSet& set, int64_t draw) const {
  TestPairs test{std::string(set.task->name()), draw, {}, {}};
  for (const Pair& pair : set.part(Part::kTest)) {
    test.items.label.push_back(pair.label);
    test.items.group.push_back(pair.function);
    test.relations.push_back(relations_of(pair, *set.task, corpus_));
  }
  return test;
}

SuiteData Suite::data() const {
  SuiteData data;
  data.functions = static_cast<int64_t>(functions_.size());
  data.dropped = corpus_.dropped;
  for (size_t f = 0; f < corpus_.functions.size(); ++f)
    data.probed += !slots_->leaves(f).empty();
  const auto unused = static_cast<int64_t>(corpus_.functions.size()) - data.probed;
  if (options_.corpus.tasks.empty()) {
    data.dropped["no_pairs"] = 0;
    data.dropped["unfit_trees"] = trees_.unfit;
    data.dropped["not_drawn"] += unused - trees_.unfit;
  } else {
    data.dropped["no_pairs"] = unused;
  }
  Sha256 hash;
  for (size_t draw = 0; draw < linear_sets_.size(); ++draw) {
    for (const PairSet& set : linear_sets_[draw]) {
      hash_pairs(set, hash);
      data.tests.push_back(test_pairs(set, static_cast<int64_t>(draw)));
    }
  }
  for (const auto& part : trees_.parts) {
    for (const FunctionTree& tree : part)
      hash.update(fmt::format("tree {}\n", tree.function));
  }
  for (const ParsedFunction& function : corpus_.functions)
    hash.update(function.text);
  data.pairs_sha256 = hash.finish();
  return data;
}

}  // namespace

std::string Step::key() const {
  return fmt::format("{}/{}/{}/{}", subject, control, layer.value_or(-1), draw);
}

std::vector<Step> plan(const SuiteOptions& options, const std::vector<Subject>& subjects) {
  std::vector<Step> steps;
  if (options.controls) steps.push_back({0, kTextsStep, std::nullopt, 0});
  for (size_t subject = 0; subject < subjects.size(); ++subject) {
    const auto layers = layers_of(options, subjects[subject]);
    for (int64_t twin = 0; twin <= options.twins; ++twin) {
      const std::string control = twin == 0 ? "none" : fmt::format("twin-{}", twin);
      for (const int64_t layer : layers) {
        for (int64_t draw = 0; draw < (twin == 0 ? options.draws : 1); ++draw)
          steps.push_back({subject, control, layer, draw});
      }
    }
  }
  return steps;
}

SuiteData run_suite(const SuiteOptions& options, const std::vector<Subject>& subjects,
                    const std::vector<code::Function>& functions, ResultSink& sink,
                    Progress& progress) {
  Suite suite(options, subjects, functions, progress);
  suite.run(plan(options, subjects), sink);
  return suite.data();
}

}  // namespace ssmi::probe
