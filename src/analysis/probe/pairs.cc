#include "ssmi/analysis/probe/pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "ssmi/code/dataflow.h"

namespace ssmi::probe {
namespace {

using code::Edge;
using code::Relation;

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

/// Up to `count` pairs of one label, one from each function before a second from any.
std::vector<Pair> draw_label(std::span<const std::vector<Edge>> candidates,
                             std::span<const int32_t> functions, int32_t label, int32_t index,
                             int64_t count, Random& random) {
  struct Source {
    int32_t function;
    std::vector<Edge> edges;
  };
  std::vector<Source> sources;
  for (const int32_t function : functions) {
    Source source{function, {}};
    for (const Edge& edge : candidates[static_cast<size_t>(function)]) {
      if (edge.label == label) source.edges.push_back(edge);
    }
    if (!source.edges.empty()) sources.push_back(std::move(source));
  }
  random.shuffle(std::span(sources));
  for (Source& source : sources)
    random.shuffle(std::span(source.edges));

  std::vector<Pair> drawn;
  bool more = true;
  for (size_t round = 0; more; ++round) {
    more = false;
    for (const Source& source : sources) {
      if (static_cast<int64_t>(drawn.size()) == count) return drawn;
      if (round >= source.edges.size()) continue;
      const Edge& edge = source.edges[round];
      drawn.push_back({source.function, edge.from, edge.to, index});
      more = true;
    }
  }
  return drawn;
}

}  // namespace

int64_t share_of(int64_t count, Part part) {
  const auto rounded = [&](Part p) {
    return static_cast<int64_t>(
        std::llround(static_cast<double>(count) * kPartShare[static_cast<size_t>(p)]));
  };
  if (part != Part::kTrain) return rounded(part);
  return count - rounded(Part::kValidation) - rounded(Part::kTest);
}

const TaskInfo& task_info(Relation relation) {
  static const std::array<TaskInfo, 3> kTasks{
      TaskInfo{Relation::kDistance, {2, 3, 4, 5, 6}, false, 1300},
      TaskInfo{Relation::kSiblings, {0, 1}, true, 1500},
      TaskInfo{Relation::kDataFlow, {-1, 0, 1}, true, 1500},
  };
  return kTasks[static_cast<size_t>(relation)];
}

bool is_probed_keyword(const code::SyntaxTree& tree, const code::Leaf& leaf, bool reference_slip) {
  const bool slips = reference_slip && &tree.language() == &code::Language::python() &&
                     (leaf.type == "true" || leaf.type == "or");
  return !slips && tree.is(leaf.node, code::Role::kKeyword);
}

std::vector<Edge> candidate_pairs(const code::SyntaxTree& tree, const code::Leaves& leaves,
                                  Relation relation, bool reference_slip, Random& random) {
  switch (relation) {
    case Relation::kDistance:
      return distance_pairs(tree, leaves, reference_slip);
    case Relation::kSiblings:
      return sibling_pairs(tree, leaves, reference_slip, random);
    case Relation::kDataFlow:
      return data_flow_pairs(tree, leaves, random);
  }
  return {};
}

std::vector<Pair> PairSet::training() const {
  std::vector<Pair> pairs = part(Part::kTrain);
  const auto& validation = part(Part::kValidation);
  pairs.insert(pairs.end(), validation.begin(), validation.end());
  return pairs;
}

PairSet PairSet::first(int64_t count) const {
  PairSet smaller{task, count, {}};
  for (const Part which : kParts) {
    std::map<int32_t, int64_t> taken;
    for (const Pair& pair : part(which)) {
      if (taken[pair.label]++ < share_of(count, which)) {
        smaller.parts[static_cast<size_t>(which)].push_back(pair);
      }
    }
  }
  return smaller;
}

PairSet draw_pairs(const TaskInfo& task, std::span<const std::vector<Edge>> candidates,
                   std::span<const Part> part_of, Split split, int64_t per_label, uint64_t seed) {
  PairSet set{&task, per_label, {}};
  std::array<std::vector<int32_t>, 3> functions;
  for (size_t f = 0; f < candidates.size(); ++f) {
    const Part part = split == Split::kFunction ? part_of[f] : Part::kTrain;
    functions[static_cast<size_t>(part)].push_back(static_cast<int32_t>(f));
  }
  Random deal(seed, fmt::format("split/{}", task.name()));
  for (size_t index = 0; index < task.labels.size(); ++index) {
    const auto draw = [&](Part which, int64_t count) {
      Random random(seed,
                    fmt::format("pairs/{}/{}/{}", task.name(), static_cast<int>(which), index));
      return draw_label(candidates, functions[static_cast<size_t>(which)], task.labels[index],
                        static_cast<int32_t>(index), count, random);
    };
    std::vector<Pair> pool =
        split == Split::kPair ? draw(Part::kTrain, per_label) : std::vector<Pair>{};
    deal.shuffle(std::span(pool));
    auto next = pool.begin();
    const auto drawn = static_cast<int64_t>(pool.size());
    for (const Part which : kParts) {
      auto& part = set.parts[static_cast<size_t>(which)];
      if (split == Split::kFunction) {
        const auto pairs = draw(which, share_of(per_label, which));
        part.insert(part.end(), pairs.begin(), pairs.end());
      } else {
        const auto end = next + share_of(drawn, which);
        part.insert(part.end(), next, end);
        next = end;
      }
    }
  }
  return set;
}

std::vector<Part> deal_functions(size_t count, uint64_t seed) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  Random random(seed, "split/functions");
  random.shuffle(std::span(order));
  std::vector<Part> part_of(count, Part::kTrain);
  const auto total = static_cast<int64_t>(count);
  size_t next = 0;
  for (const Part which : {Part::kTest, Part::kValidation}) {
    for (int64_t i = 0; i < share_of(total, which); ++i)
      part_of[order[next++]] = which;
  }
  return part_of;
}

std::vector<Part> deal_again(std::vector<Part> parts, uint64_t seed) {
  std::vector<size_t> places;
  std::vector<Part> dealt;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == Part::kValidation) continue;
    places.push_back(i);
    dealt.push_back(parts[i]);
  }
  Random(seed, "deal again").shuffle(std::span(dealt));
  for (size_t k = 0; k < places.size(); ++k)
    parts[places[k]] = dealt[k];
  return parts;
}

}  // namespace ssmi::probe
