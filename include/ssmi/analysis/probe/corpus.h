#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ssmi/analysis/probe/pairs.h"
#include "ssmi/code/functions.h"
#include "ssmi/core/progress.h"
#include "ssmi/text/tokenizer.h"

namespace ssmi::probe {

/// What the model is given: the function's source, or its leaves joined by single spaces.
enum class Input { kSource, kTokens };

struct CorpusOptions {
  Input input = Input::kSource;
  std::vector<Task> tasks;
  int64_t max_tokens = 2048;    ///< functions with more, for any tokenizer, are left out
  int64_t max_functions = 0;    ///< draw this many of those that remain; 0 takes all
  bool reference_slip = false;  ///< see is_probed_keyword()
  uint64_t seed = 1;
};

/// One function, parsed.
struct ParsedFunction {
  size_t index = 0;                     ///< of the function it is, as given
  std::string text;                     ///< what the model is given
  std::vector<text::Span> leaves;       ///< bytes of `text`
  std::vector<text::Span> places;       ///< bytes of the function's code
  std::vector<std::string_view> types;  ///< of the leaves, as the grammar names them
  std::array<std::vector<Candidate>, kTasks.size()> candidates;  ///< by Task

  std::string_view leaf_text(int32_t leaf) const {
    const text::Span span = leaves[static_cast<size_t>(leaf)];
    return std::string_view(text).substr(static_cast<size_t>(span.begin),
                                         static_cast<size_t>(span.end - span.begin));
  }
};

/// A function as one tokenizer reads it.
struct TokenisedFunction {
  std::vector<int64_t> ids;
  std::vector<text::Span> leaf_tokens;  ///< for each leaf the tokens [begin, end) that touch it
};

/// The functions that are probed: parsed, without syntax errors, each text once, short enough for
/// every tokenizer.
struct Corpus {
  std::vector<ParsedFunction> functions;
  std::vector<std::vector<TokenisedFunction>> tokenised;  ///< [tokenizer][function]
  std::map<std::string, int64_t> dropped;                 ///< reason -> functions
};

using Tokenizers = std::vector<const text::Tokenizer*>;

Corpus prepare_corpus(const std::vector<code::Function>& functions, const Tokenizers& tokenizers,
                      const CorpusOptions& options, Progress& progress);

}  // namespace ssmi::probe
