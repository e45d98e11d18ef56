#include "ssmi/analysis/probe/trees.h"

#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ssmi/code/relations.h"
#include "ssmi/core/error.h"
#include "ssmi/core/random.h"

namespace ssmi::probe {
namespace {

FunctionTree tree_of(const code::Function& function, int32_t index) {
  const code::SyntaxTree tree(function.code, *function.language);
  const code::Leaves leaves(tree);
  const code::Relations relations(tree, leaves);
  FunctionTree result{.function = index,
                      .distances = at::zeros({leaves.size(), leaves.size()}, at::kFloat),
                      .tuple = {},
                      .constituents = code::constituents(tree, leaves)};
  auto* distances = result.distances.mutable_data_ptr<float>();
  const int32_t size = leaves.size();
  for (int32_t i = 0; i < size; ++i) {
    for (int32_t j = 0; j < i; ++j) {
      const auto edges = static_cast<float>(relations.distance(i, j));
      distances[int64_t{i} * size + j] = edges;
      distances[int64_t{j} * size + i] = edges;
    }
  }
  result.tuple = code::to_tuple(result.constituents, size);
  return result;
}

}  // namespace

std::vector<int32_t> TreeSet::functions() const {
  std::vector<int32_t> all;
  for (const auto& part : parts) {
    for (const FunctionTree& tree : part)
      all.push_back(tree.function);
  }
  return all;
}

TreeSet draw_trees(const Corpus& corpus, const std::vector<code::Function>& functions,
                   std::span<const Part> part_of, const TreeOptions& options, uint64_t seed) {
  TreeSet set;
  for (const Part which : kParts) {
    std::vector<int32_t> fitting;
    for (size_t f = 0; f < corpus.functions.size(); ++f) {
      const auto leaves = static_cast<int64_t>(corpus.functions[f].leaves.size());
      if (part_of[f] != which) continue;
      if (leaves >= kLeastLeaves && leaves <= options.max_leaves) {
        fitting.push_back(static_cast<int32_t>(f));
      } else {
        ++set.unfit;
      }
    }
    if (fitting.empty()) {
      bad_input(
          "probes of trees: no function of {} to {} leaves to train, validate or test on, among "
          "{}",
          kLeastLeaves, options.max_leaves, corpus.functions.size());
    }
    Random(seed, fmt::format("trees/{}", static_cast<int>(which))).shuffle(std::span(fitting));
    const auto wanted = static_cast<size_t>(share_of(options.functions, which));
    fitting.resize(std::min(fitting.size(), std::max<size_t>(wanted, 1)));
    for (const int32_t f : fitting) {
      const auto& parsed = corpus.functions[static_cast<size_t>(f)];
      set.parts[static_cast<size_t>(which)].push_back(tree_of(functions[parsed.index], f));
    }
  }
  std::set<std::string> labels, unary;
  for (const FunctionTree& tree : set.part(Part::kTrain)) {
    labels.insert(tree.tuple.labels.begin(), tree.tuple.labels.end());
    unary.insert(tree.tuple.unary.begin(), tree.tuple.unary.end());
  }
  set.labels.assign(labels.begin(), labels.end());
  set.unary.assign(unary.begin(), unary.end());
  return set;
}

}  // namespace ssmi::probe
