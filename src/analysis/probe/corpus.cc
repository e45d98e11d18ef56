#include "ssmi/analysis/probe/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "ssmi/code/align.h"

namespace ssmi::probe {
namespace {

/// Leaves joined by single spaces: the text and where each leaf stands in it.
void join_leaves(const code::SyntaxTree& tree, const code::Leaves& leaves, ParsedFunction& out) {
  for (const code::Leaf& leaf : leaves.all()) {
    if (!out.text.empty()) out.text += ' ';
    const auto begin = static_cast<int64_t>(out.text.size());
    out.text += tree.text(leaf.begin, leaf.end);
    out.leaves.push_back({begin, static_cast<int64_t>(out.text.size())});
  }
}

ParsedFunction parse(const code::SyntaxTree& tree, const CorpusOptions& options, size_t index) {
  const code::Leaves leaves(tree);
  ParsedFunction parsed;
  if (options.input == Input::kTokens) {
    join_leaves(tree, leaves, parsed);
  } else {
    parsed.text = tree.source();
    for (const code::Leaf& leaf : leaves.all())
      parsed.leaves.push_back({leaf.begin, leaf.end});
  }
  for (const code::Relation task : options.tasks) {
    Random random(options.seed, fmt::format("negatives/{}/{}", code::name(task), index));
    parsed.candidates[static_cast<size_t>(task)] =
        candidate_pairs(tree, leaves, task, options.reference_slip, random);
  }
  return parsed;
}

/// The function for every tokenizer; nothing when it is too long for one of them.
std::optional<std::vector<TokenisedFunction>> tokenise(
    const ParsedFunction& function, const std::vector<const text::Tokenizer*>& tokenizers,
    int64_t max_tokens) {
  std::vector<TokenisedFunction> result;
  for (const text::Tokenizer* tokenizer : tokenizers) {
    text::Encoding encoding = tokenizer->encode(function.text);
    if (static_cast<int64_t>(encoding.ids.size()) > max_tokens) return std::nullopt;
    auto leaf_tokens = code::align(encoding.spans, function.leaves);
    result.push_back({std::move(encoding.ids), std::move(leaf_tokens)});
  }
  return result;
}

/// Indices of `wanted` of `count` things, rising; all when there are not more.
std::vector<size_t> draw_functions(size_t count, int64_t wanted, uint64_t seed) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  if (wanted <= 0 || static_cast<size_t>(wanted) >= count) return order;
  Random random(seed, "functions");
  random.shuffle(std::span(order));
  order.resize(static_cast<size_t>(wanted));
  std::sort(order.begin(), order.end());
  return order;
}

/// Parses what is new and has no syntax error.
std::vector<ParsedFunction> parse_all(const std::vector<code::Function>& functions,
                                      const CorpusOptions& options, Progress& progress,
                                      std::map<std::string, int64_t>& dropped) {
  std::vector<ParsedFunction> parsed;
  std::set<std::string_view> seen;
  progress.begin("parse", "functions", functions.size());
  for (size_t i = 0; i < functions.size(); ++i) {
    progress.advance(1);
    check_interrupted();
    if (!seen.insert(functions[i].code).second) {
      ++dropped["duplicate"];
      continue;
    }
    const code::SyntaxTree tree(functions[i].code);
    if (tree.has_error()) {
      ++dropped["syntax_error"];
      continue;
    }
    parsed.push_back(parse(tree, options, i));
  }
  progress.end();
  return parsed;
}

}  // namespace

Corpus prepare_corpus(const std::vector<code::Function>& functions,
                      const std::vector<const text::Tokenizer*>& tokenizers,
                      const CorpusOptions& options, Progress& progress) {
  Corpus corpus;
  corpus.dropped = {{"duplicate", 0}, {"not_drawn", 0}, {"syntax_error", 0}, {"too_long", 0}};
  auto parsed = parse_all(functions, options, progress, corpus.dropped);
  std::vector<std::vector<TokenisedFunction>> tokenised;  // [function][tokenizer]
  std::vector<ParsedFunction> short_enough;
  for (ParsedFunction& function : parsed) {
    auto tokens = tokenise(function, tokenizers, options.max_tokens);
    if (!tokens) {
      ++corpus.dropped["too_long"];
      continue;
    }
    tokenised.push_back(std::move(*tokens));
    short_enough.push_back(std::move(function));
  }
  const auto drawn = draw_functions(short_enough.size(), options.max_functions, options.seed);
  corpus.dropped["not_drawn"] = static_cast<int64_t>(short_enough.size() - drawn.size());
  corpus.tokenised.resize(tokenizers.size());
  for (const size_t index : drawn) {
    corpus.functions.push_back(std::move(short_enough[index]));
    for (size_t t = 0; t < tokenizers.size(); ++t) {
      corpus.tokenised[t].push_back(std::move(tokenised[index][t]));
    }
  }
  return corpus;
}

}  // namespace ssmi::probe
