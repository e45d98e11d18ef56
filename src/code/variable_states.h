#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace ssmi::code {

/// Where the value of each name may come from: a rising set of leaves by name, empty for a name
/// not known yet. Branches are undone by a journal instead of copying all names.
class VariableStates {
 public:
  explicit VariableStates(size_t names) : sources_(names) {}

  const std::vector<int32_t>& of(int32_t name) const { return sources_[static_cast<size_t>(name)]; }
  void set(int32_t name, std::vector<int32_t> sources);

  void begin_branches();
  /// Ends one branch: what follows starts again from where begin_branches() was called.
  void end_branch();
  /// Unites the branches; where they need not be all there is, with the state before them too.
  void join(bool exhaustive);

  /// Entries written so far: what the work is proportional to.
  uint64_t written() const { return written_; }

 private:
  struct Change {
    int32_t name;
    std::vector<int32_t> before;
  };
  struct Union {
    std::vector<int32_t> sources;
    int32_t branches = 0;  ///< that changed the name
    int32_t latest = -1;   ///< the last of them
  };
  struct Fork {
    size_t journal_start;
    int32_t branches = 0;
    std::map<int32_t, Union> changed;
  };
  std::vector<std::vector<int32_t>> sources_;
  std::vector<Change> journal_;
  std::vector<Fork> forks_;
  uint64_t written_ = 0;
};

}  // namespace ssmi::code
