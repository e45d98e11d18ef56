#include "ssmi/analysis/probe/candidates.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>

#include "ssmi/code/dataflow.h"
#include "ssmi/code/name_roles.h"

namespace ssmi::probe {
namespace {

using code::Edge;

/// Up to `count` leaves of [0, leaves) that are not in `taken`, uniformly, without repetition.
std::vector<int32_t> draw_unrelated(const std::set<int32_t>& taken, int32_t leaves, size_t count,
                                    Random& random) {
  std::vector<int32_t> free;
  for (int32_t leaf = 0; leaf < leaves; ++leaf) {
    if (!taken.contains(leaf)) free.push_back(leaf);
  }
  random.shuffle(std::span(free));
  free.resize(std::min(free.size(), count));
  return free;
}

std::vector<Edge> distance_pairs(const code::SyntaxTree& tree, const code::Leaves& leaves,
                                 bool reference_slip) {
  std::vector<Edge> pairs;
  for (const Edge& edge : code::Relations(tree, leaves).distances()) {
    if (is_probed_keyword(tree, leaves[edge.from], reference_slip)) pairs.push_back(edge);
    if (is_probed_keyword(tree, leaves[edge.to], reference_slip)) {
      pairs.push_back({edge.to, edge.from, edge.label});
    }
  }
  return pairs;
}

std::vector<Edge> sibling_pairs(const code::SyntaxTree& tree, const code::Leaves& leaves,
                                bool reference_slip, Random& random) {
  std::vector<Edge> pairs;
  const code::Relations relations(tree, leaves);
  for (int32_t row = 0; row < leaves.size(); ++row) {
    if (!is_probed_keyword(tree, leaves[row], reference_slip)) continue;
    const auto related = relations.siblings(row);
    std::set<int32_t> taken(related.begin(), related.end());
    taken.insert(row);
    for (const int32_t column : related)
      pairs.push_back({row, column, 1});
    for (const int32_t column : draw_unrelated(taken, leaves.size(), related.size(), random)) {
      pairs.push_back({row, column, 0});
    }
  }
  return pairs;
}

std::vector<Edge> data_flow_pairs(const code::SyntaxTree& tree, const code::Leaves& leaves,
                                  Random& random) {
  std::map<int32_t, std::map<int32_t, std::set<int32_t>>> rows;  // row -> column -> labels
  for (const Edge& edge : code::data_flow(tree, leaves)) {
    rows[edge.from][edge.to].insert(edge.label);
  }
  std::vector<Edge> pairs;
  for (const auto& [row, columns] : rows) {
    std::set<int32_t> taken{row};
    std::map<int32_t, size_t> count;
    for (const auto& [column, labels] : columns) {
      taken.insert(column);
      for (const int32_t label : labels)
        ++count[label];
      if (column != row && labels.size() == 1) pairs.push_back({row, column, *labels.begin()});
    }
    const size_t most = std::max(count[code::kComesFrom], count[code::kComputedFrom]);
    for (const int32_t column : draw_unrelated(taken, leaves.size(), (most + 1) / 2, random)) {
      pairs.push_back({row, column, 0});
    }
  }
  return pairs;
}

/// Of uses with both labels alone, so that a use gives as little away as its text does.
std::vector<Edge> definition_pairs(const code::SyntaxTree& tree, const code::Leaves& leaves) {
  const std::vector<Edge> edges = code::definitions(tree, leaves);
  std::map<int32_t, std::set<int32_t>> labels;  // by use
  for (const Edge& edge : edges)
    labels[edge.from].insert(edge.label);
  std::vector<Edge> pairs;
  std::ranges::copy_if(edges, std::back_inserter(pairs),
                       [&](const Edge& edge) { return labels[edge.from].size() == 2; });
  return pairs;
}

constexpr int32_t kFirstNumber = -1, kLastNumber = 255;

/// A number of [kFirstNumber, kLastNumber] as text that stays.
std::string_view numeral(int32_t number) {
  static const auto kTexts = [] {
    std::vector<std::string> texts;
    for (int32_t n = kFirstNumber; n <= kLastNumber; ++n)
      texts.push_back(std::to_string(n));
    return texts;
  }();
  return kTexts.at(static_cast<size_t>(number - kFirstNumber));
}

std::vector<Candidate> labelled(const std::vector<Edge>& edges) {
  std::vector<Candidate> pairs;
  pairs.reserve(edges.size());
  for (const Edge& edge : edges)
    pairs.push_back({edge.from, edge.to, numeral(edge.label)});
  return pairs;
}

/// Each leaf that `label_of` gives a label.
template <typename LabelOf>
std::vector<Candidate> labelled(const code::Leaves& leaves, const LabelOf& label_of) {
  std::vector<Candidate> tokens;
  for (int32_t leaf = 0; leaf < leaves.size(); ++leaf) {
    const std::string_view label = label_of(leaf);
    if (!label.empty()) tokens.push_back({leaf, leaf, label});
  }
  return tokens;
}

std::vector<Candidate> role_tokens(const code::SyntaxTree& tree, const code::Leaves& leaves) {
  const auto roles = code::name_roles(tree, leaves);
  return labelled(leaves, [&](int32_t leaf) {
    const auto role = roles[static_cast<size_t>(leaf)];
    return role ? code::name(*role) : std::string_view();
  });
}

}  // namespace

bool is_probed_keyword(const code::SyntaxTree& tree, const code::Leaf& leaf, bool reference_slip) {
  const bool slips = reference_slip && &tree.language() == &code::Language::python() &&
                     (leaf.type == "true" || leaf.type == "or");
  return !slips && tree.is(leaf.node, code::Role::kKeyword);
}

std::vector<Candidate> candidate_pairs(const code::SyntaxTree& tree, const code::Leaves& leaves,
                                       Task task, bool reference_slip, Random& random) {
  switch (task) {
    case Task::kDistance:
      return labelled(distance_pairs(tree, leaves, reference_slip));
    case Task::kSiblings:
      return labelled(sibling_pairs(tree, leaves, reference_slip, random));
    case Task::kDataFlow:
      return labelled(data_flow_pairs(tree, leaves, random));
    case Task::kNodeType:
      return labelled(leaves, [&](int32_t leaf) {
        return code::is_variable(tree, leaves[leaf]) ? leaves[leaf].type : std::string_view();
      });
    case Task::kParentType:
      return labelled(leaves, [&](int32_t leaf) {
        const int32_t parent = tree.nodes()[static_cast<size_t>(leaves[leaf].node)].parent;
        return parent < 0 ? std::string_view() : tree.type(parent);
      });
    case Task::kDepth:
      return labelled(leaves, [&](int32_t leaf) {
        const int32_t depth = leaves[leaf].depth;
        return depth > kLastNumber ? std::string_view() : numeral(depth);
      });
    case Task::kRole:
      return role_tokens(tree, leaves);
    case Task::kDefinition:
      return labelled(definition_pairs(tree, leaves));
  }
  return {};
}

std::vector<std::string> frequent_labels(std::span<const std::vector<Candidate>> candidates,
                                         int64_t least) {
  constexpr size_t kMost = 12;
  std::map<std::string_view, int64_t> counts, functions;
  for (const auto& of_function : candidates) {
    std::set<std::string_view> seen;
    for (const Candidate& candidate : of_function) {
      ++counts[candidate.label];
      if (seen.insert(candidate.label).second) ++functions[candidate.label];
    }
  }
  std::vector<std::string> labels;
  for (const auto& [label, count] : counts) {
    if (count >= least) labels.emplace_back(label);
  }
  std::ranges::stable_sort(labels, std::greater<>(),
                           [&](const std::string& label) { return functions.at(label); });
  labels.resize(std::min(labels.size(), kMost));
  std::ranges::sort(labels, label_before);
  return labels;
}

}  // namespace ssmi::probe
