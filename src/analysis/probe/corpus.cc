#include "ssmi/analysis/probe/corpus.h"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "ssmi/code/align.h"
#include "ssmi/core/error.h"

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
  parsed.index = index;
  for (const code::Leaf& leaf : leaves.all()) {
    parsed.places.push_back({leaf.begin, leaf.end});
    parsed.types.push_back(leaf.type);
  }
  if (options.input == Input::kTokens) {
    join_leaves(tree, leaves, parsed);
  } else {
    parsed.text = tree.source();
    parsed.leaves = parsed.places;
  }
  for (const Task task : options.tasks) {
    Random random(options.seed, fmt::format("negatives/{}/{}", name(task), index));
    parsed.candidates[static_cast<size_t>(task)] =
        candidate_pairs(tree, leaves, task, options.reference_slip, random);
  }
  return parsed;
}

/// Indices of `wanted` of `count` things, rising; all when there are not more.
std::vector<size_t> draw_functions(size_t count, int64_t wanted, uint64_t seed) {
  const bool all = wanted <= 0 || static_cast<size_t>(wanted) >= count;
  return Random(seed, "functions").sample(count, all ? count : static_cast<size_t>(wanted));
}

/// The text for every tokenizer; nothing when it is too long for one of them.
std::optional<std::vector<text::Encoding>> encode(const std::string& text,
                                                  const Tokenizers& tokenizers,
                                                  int64_t max_tokens) {
  std::vector<text::Encoding> encodings;
  for (const text::Tokenizer* tokenizer : tokenizers) {
    encodings.push_back(tokenizer->encode(text));
    if (static_cast<int64_t>(encodings.back().ids.size()) > max_tokens) return std::nullopt;
  }
  return encodings;
}

/// A function ready to be probed.
struct Prepared {
  ParsedFunction parsed;
  std::vector<TokenisedFunction> tokens;  // by tokenizer
};

/// Fills `out`, or says why the function is left out.
std::optional<std::string> prepare(const code::Function& function, size_t index,
                                   const Tokenizers& tokenizers, const CorpusOptions& options,
                                   Prepared& out) {
  std::optional<std::vector<text::Encoding>> encodings;
  if (options.input == Input::kSource) {  // a text that is too long is not worth parsing
    encodings = encode(function.code, tokenizers, options.max_tokens);
    if (!encodings) return "too_long";
  }
  try {
    const code::SyntaxTree tree(function.code, *function.language);
    if (tree.has_error()) return "syntax_error";
    out.parsed = parse(tree, options, index);
  } catch (const Error& error) {  // beyond the limits of parser or relations
    if (error.code() != ExitCode::kBadInput) throw;
    return "too_complex";
  }
  if (!encodings) encodings = encode(out.parsed.text, tokenizers, options.max_tokens);
  if (!encodings) return "too_long";
  for (text::Encoding& encoding : *encodings) {
    auto leaf_tokens = code::align(encoding.spans, out.parsed.leaves);
    out.tokens.push_back({std::move(encoding.ids), std::move(leaf_tokens)});
  }
  return std::nullopt;
}

}  // namespace

Corpus prepare_corpus(const std::vector<code::Function>& functions, const Tokenizers& tokenizers,
                      const CorpusOptions& options, Progress& progress) {
  Corpus corpus;
  for (const char* reason : {"duplicate", "not_drawn", "syntax_error", "too_complex", "too_long"}) {
    corpus.dropped[reason] = 0;
  }
  std::vector<Prepared> prepared;
  std::set<std::string_view> seen;
  progress.begin("parse", "functions", functions.size());
  for (size_t i = 0; i < functions.size(); ++i) {
    progress.advance(1);
    check_interrupted();
    Prepared function;
    std::optional<std::string> reason = "duplicate";
    if (seen.insert(functions[i].code).second) {
      reason = prepare(functions[i], i, tokenizers, options, function);
    }
    if (reason) {
      ++corpus.dropped[*reason];
    } else {
      prepared.push_back(std::move(function));
    }
  }
  progress.end();
  const auto drawn = draw_functions(prepared.size(), options.max_functions, options.seed);
  corpus.dropped["not_drawn"] = static_cast<int64_t>(prepared.size() - drawn.size());
  corpus.tokenised.resize(tokenizers.size());
  for (const size_t index : drawn) {
    corpus.functions.push_back(std::move(prepared[index].parsed));
    for (size_t t = 0; t < tokenizers.size(); ++t) {
      corpus.tokenised[t].push_back(std::move(prepared[index].tokens[t]));
    }
  }
  return corpus;
}

}  // namespace ssmi::probe
