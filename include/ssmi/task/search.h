#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace ssmi::task {

/// Queries, each with the one code that answers it.
struct SearchPairs {
  std::vector<std::string> queries, codes;
  std::string sha256;  ///< of both

  size_t size() const { return queries.size(); }
};

/// Rows of JSON Lines with a `doc` (the query) and a `code`. Throws Error{kDisk}, Error{kBadInput}
/// for a row without one of them or with an empty one, and when there is no row.
SearchPairs read_search_pairs(const std::filesystem::path& path);

/// The codes with their names taken out (code::obfuscated). What does not parse stays as it is;
/// `broken` counts that.
std::vector<std::string> obfuscated(std::span<const std::string> codes, int64_t& broken);

/// For each query the rank of its own code among all, from 1: how many are at least as similar. An
/// equally similar one ranks above it, so that what tells nothing apart finds nothing. Both are
/// [pairs, D]; similarity is their product.
std::vector<int64_t> ranks(const at::Tensor& queries, const at::Tensor& codes);

/// The same by TF-IDF over the words of names and texts.
std::vector<int64_t> tfidf_ranks(std::span<const std::string> queries,
                                 std::span<const std::string> codes);

}  // namespace ssmi::task
