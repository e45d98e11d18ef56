#include "ssmi/task/search.h"

#include <ATen/ops/mm.h>

#include <algorithm>

#include "ssmi/code/obfuscate.h"
#include "ssmi/task/tfidf.h"

namespace ssmi::task {
namespace {

int64_t rank(std::span<const float> similarities, size_t own) {
  return std::ranges::count_if(similarities,
                               [&](float other) { return !(other < similarities[own]); });
}

}  // namespace

std::vector<std::string> obfuscated(std::span<const std::string> codes, int64_t& broken) {
  std::vector<std::string> out;
  broken = 0;
  for (const std::string& code : codes) {
    const code::SyntaxTree tree(code);
    if (tree.has_error()) ++broken;
    out.push_back(tree.has_error() ? code : code::obfuscated(tree));
  }
  return out;
}

std::vector<int64_t> ranks(const at::Tensor& queries, const at::Tensor& codes) {
  constexpr int64_t kBlock = 256;  // of queries whose similarities are held at once
  std::vector<int64_t> ranks;
  for (int64_t first = 0; first < queries.size(0); first += kBlock) {
    const int64_t last = std::min(first + kBlock, queries.size(0));
    const at::Tensor block = at::mm(queries.slice(0, first, last), codes.t()).contiguous();
    for (int64_t query = first; query < last; ++query) {
      const float* row = block.const_data_ptr<float>() + (query - first) * codes.size(0);
      ranks.push_back(rank({row, static_cast<size_t>(codes.size(0))}, static_cast<size_t>(query)));
    }
  }
  return ranks;
}

std::vector<int64_t> tfidf_ranks(std::span<const std::string> queries,
                                 std::span<const std::string> codes) {
  const TfIdf pool(codes);
  std::vector<int64_t> ranks;
  for (size_t i = 0; i < queries.size(); ++i)
    ranks.push_back(rank(pool.similarities(queries[i]), i));
  return ranks;
}

}  // namespace ssmi::task
