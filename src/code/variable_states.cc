#include "variable_states.h"

#include <algorithm>
#include <utility>

namespace ssmi::code {
namespace {

std::vector<int32_t> united(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  std::vector<int32_t> all;
  all.reserve(a.size() + b.size());
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all));
  return all;
}

}  // namespace

void VariableStates::set(int32_t name, std::vector<int32_t> sources) {
  written_ += sources.size();
  std::vector<int32_t>& place = sources_[static_cast<size_t>(name)];
  place.swap(sources);
  if (!forks_.empty()) journal_.push_back({name, std::move(sources)});
}

void VariableStates::begin_branches() {
  forks_.push_back({journal_.size(), 0, {}});
}

void VariableStates::end_branch() {
  Fork& fork = forks_.back();
  while (journal_.size() > fork.journal_start) {
    Change& change = journal_.back();
    std::vector<int32_t>& place = sources_[static_cast<size_t>(change.name)];
    Union& all = fork.changed[change.name];
    if (all.latest != fork.branches) {  // the newest change: `place` is as the branch left it
      all.latest = fork.branches;
      ++all.branches;
      all.sources = united(all.sources, place);
      written_ += all.sources.size();
    }
    place.swap(change.before);
    journal_.pop_back();
  }
  ++fork.branches;
}

void VariableStates::join(bool exhaustive) {
  const Fork fork = std::move(forks_.back());
  forks_.pop_back();
  for (const auto& [name, all] : fork.changed) {
    const bool kept = !exhaustive || all.branches < fork.branches;  // by some way through
    set(name, kept ? united(all.sources, of(name)) : all.sources);
  }
}

}  // namespace ssmi::code
