#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ssmi::task {

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
