#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "ssmi/core/progress.h"

namespace ssmi::task {

/// Queries, each with the one code that answers it.
struct SearchPairs {
  std::vector<std::string> queries, codes;
  std::string sha256;    ///< of both
  int64_t rows = 0;      ///< of the file, which are the pairs and these:
  int64_t excluded = 0;  ///< of a package that is left out
  int64_t wrong = 0, repeated_queries = 0, repeated_codes = 0;

  size_t size() const { return queries.size(); }
};

/// All rows of JSON Lines with a `doc` (the query) and a `code`, but those of an excluded package
/// (is_of()). Throws Error{kDisk},
/// Error{kBadInput} for a row without one of them or with an empty one, and when there is no row.
SearchPairs read_search_pairs(const std::filesystem::path& path,
                              std::span<const std::string> excluded = {});

/// Questions' titles and the code that answers them, of a file whose content tells which it is:
/// JSON Lines or a JSON array of `doc`, `code` and perhaps `label` (1: an answer, 0: a wrong one,
/// which is no pair), or the five tab separated fields of CodeNN (Iyer et al. 2016). What is left
/// out is counted and noted: wrong answers; further ones of a title, so that each has one; and what
/// answered an earlier title. Throws as read_search_pairs does.
SearchPairs read_answers(const std::filesystem::path& path, Progress& progress);

}  // namespace ssmi::task
