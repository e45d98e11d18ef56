#include "ssmi/analysis/probe/pairs.h"

#include <fmt/format.h>

#include <cmath>
#include <map>

namespace ssmi::probe {
namespace {

/// Up to `count` pairs of one label, one from each function before a second from any.
std::vector<Pair> draw_label(std::span<const std::vector<Candidate>> candidates,
                             std::span<const int32_t> functions, std::string_view label,
                             int32_t index, int64_t count, Random& random) {
  struct Source {
    int32_t function;
    std::vector<Candidate> pairs;
  };
  std::vector<Source> sources;
  for (const int32_t function : functions) {
    Source source{function, {}};
    for (const Candidate& pair : candidates[static_cast<size_t>(function)]) {
      if (pair.label == label) source.pairs.push_back(pair);
    }
    if (!source.pairs.empty()) sources.push_back(std::move(source));
  }
  random.shuffle(std::span(sources));
  for (Source& source : sources)
    random.shuffle(std::span(source.pairs));

  std::vector<Pair> drawn;
  bool more = true;
  for (size_t round = 0; more; ++round) {
    more = false;
    for (const Source& source : sources) {
      if (static_cast<int64_t>(drawn.size()) == count) return drawn;
      if (round >= source.pairs.size()) continue;
      const Candidate& pair = source.pairs[round];
      drawn.push_back({source.function, pair.first, pair.second, index});
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

PairSet draw_pairs(const TaskInfo& task, std::span<const std::vector<Candidate>> candidates,
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
  const std::vector<size_t> order = Random(seed, "split/functions").permutation(count);
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
