#include "ssmi/task/special_tokens.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace ssmi::task {
namespace {

constexpr std::array<std::string_view, 2> kMasks{"<mask>", "[MASK]"};
constexpr std::array<std::string_view, 9> kOthers{
    "<pad>", "<s>", "</s>", "<unk>", "[PAD]", "[CLS]", "[SEP]", "[UNK]", "<|endoftext|>"};

/// The token that a name is read as, if it is one of that name.
std::optional<int64_t> token_named(const text::Tokenizer& tokenizer, std::string_view name) {
  const auto ids = tokenizer.encode(name, text::Markers::kNone).ids;
  if (ids.size() != 1 || tokenizer.token(ids[0]) != name) return std::nullopt;
  return ids[0];
}

}  // namespace

bool SpecialTokens::contains(int64_t id) const {
  return std::ranges::binary_search(all, id);
}

SpecialTokens special_tokens(const text::Tokenizer& tokenizer) {
  SpecialTokens special;
  const auto markers = tokenizer.encode("", text::Markers::kAdd).ids;
  std::set<int64_t> all(markers.begin(), markers.end());
  for (const std::string_view name : kOthers)
    if (const auto id = token_named(tokenizer, name)) all.insert(*id);
  for (const std::string_view name : kMasks) {
    const auto id = token_named(tokenizer, name);
    if (!id) continue;
    all.insert(*id);
    if (!special.mask) special.mask = id;
  }
  special.all.assign(all.begin(), all.end());
  return special;
}

}  // namespace ssmi::task
