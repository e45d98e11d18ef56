#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "ssmi/core/json.h"
#include "ssmi/core/progress.h"
#include "ssmi/text/tokenizer.h"

namespace ssmi::task {

/// Texts as token ids, laid end to end, each with the markers its tokenizer puts around a text (<s>
/// and </s>, [CLS] and [SEP], or none), which are all that parts one from the next.
struct Documents {
  std::vector<int32_t> ids;
  std::vector<int64_t> offsets{0};  ///< document d is ids [offsets[d], offsets[d + 1])

  size_t size() const { return offsets.size() - 1; }
  std::span<const int32_t> operator[](size_t document) const;
};

/// The packages whose functions ssmi probes by default and judges on: nothing is to learn from
/// them.
const std::vector<std::string>& bundled_packages();

/// Whether a row's `pkg`, or without one a folder of its `path`, is one of the packages.
bool is_of(const JsonObject& row, std::span<const std::string> packages);

struct CorpusOptions {
  bool hold_out = true;     ///< groups to validate on; all of it trains otherwise
  uint64_t split_seed = 0;  ///< decides which
  std::vector<std::string> excluded = bundled_packages();  ///< whose rows are left out
};

/// A corpus in two parts that share no group: a package, where rows say `pkg`, else a file
/// (`path`), else a row.
struct TokenCorpus {
  Documents training, validation;
  std::vector<std::string> held_out;  ///< the groups of `validation`, sorted
  int64_t rows = 0;                   ///< read
  int64_t groups = 0;                 ///< kept
  int64_t excluded = 0;               ///< rows left out because of their package
  int64_t empty = 0;                  ///< rows left out because they hold no text
  std::string sha256;                 ///< of all rows' groups and texts
};

/// Reads JSON Lines, plain or compressed, whose rows have a `text` (else a `code`), and cuts them
/// into tokens on all threads. A note says what was left out. Throws Error{kDisk} when the file
/// cannot be read, Error{kBadInput} with file and line for a row that is no JSON, not UTF-8, or has
/// no text, and when nothing is left to train on.
TokenCorpus read_corpus(const std::filesystem::path& path, const text::Tokenizer& tokenizer,
                        const CorpusOptions& options, Progress& progress);

}  // namespace ssmi::task
