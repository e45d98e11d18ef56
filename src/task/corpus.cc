#include "ssmi/task/corpus.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "ssmi/core/error.h"
#include "ssmi/core/hash.h"
#include "ssmi/io/jsonl.h"
#include "ssmi/task/split.h"

namespace ssmi::task {
namespace {

constexpr size_t kBlockBytes = 16 << 20;  // of text that is held at once

struct Row {
  std::string text;
  size_t group;
};

/// The value of a key, nothing where it is absent, null or empty.
std::optional<std::string> name_at(const JsonObject& row, const std::string& key) {
  if (!row.has(key) || row.at(key).is_null()) return std::nullopt;
  std::string value = row.string(key);
  if (value.empty()) return std::nullopt;
  return value;
}

std::string text_of(const JsonObject& row) {
  if (row.has("text")) return row.string("text");
  if (row.has("code")) return row.string("code");
  bad_input("{}: neither 'text' nor 'code' is there", row.where());
}

/// Reads rows, counts and hashes them, and gives those that are kept, a block at a time.
class RowReader {
 public:
  RowReader(const std::filesystem::path& path, const CorpusOptions& options)
      : reader_(path), excluded_(options.excluded) {}

  /// Empty at the end.
  std::vector<Row> next_block(TokenCorpus& corpus) {
    std::vector<Row> block;
    for (size_t bytes = 0; bytes < kBlockBytes;) {
      const auto json = reader_.next();
      if (!json) break;
      const JsonObject row(*json, reader_.where());
      ++corpus.rows;
      std::string name = group_name(row, corpus.rows);
      std::string text = text_of(row);
      hash_.update(fmt::format("{}:{}{}:", name.size(), name, text.size()));
      hash_.update(text);
      if (is_of(row, excluded_)) {
        ++corpus.excluded;
      } else if (text.empty()) {
        ++corpus.empty;
      } else {
        const size_t group = group_named(std::move(name));
        groups_[group].bytes += static_cast<int64_t>(text.size());
        bytes += text.size();
        block.push_back({std::move(text), group});
      }
    }
    return block;
  }

  const std::vector<Group>& groups() const { return groups_; }
  std::string sha256() { return hash_.finish(); }

 private:
  static std::string group_name(const JsonObject& row, int64_t number) {
    if (auto package = name_at(row, "pkg")) return *std::move(package);
    if (auto path = name_at(row, "path")) return *std::move(path);
    return fmt::format("row {}", number);
  }

  size_t group_named(std::string name) {
    const auto [entry, is_new] = index_.emplace(name, groups_.size());
    if (is_new) groups_.push_back({std::move(name)});
    return entry->second;
  }

  io::JsonlReader reader_;
  const std::vector<std::string>& excluded_;
  std::map<std::string, size_t> index_;
  std::vector<Group> groups_;
  Sha256 hash_;
};

/// Every document with the group it is of.
struct Grouped {
  Documents documents;
  std::vector<size_t> group;
};

void append(std::span<const int32_t> ids, Documents& documents) {
  documents.ids.insert(documents.ids.end(), ids.begin(), ids.end());
  documents.offsets.push_back(static_cast<int64_t>(documents.ids.size()));
}

void encode(std::vector<Row> block, const text::Tokenizer& tokenizer, Grouped& all,
            TokenCorpus& corpus) {
  std::vector<std::vector<int32_t>> ids(block.size());
  const auto count = static_cast<int64_t>(block.size());
  at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto row = static_cast<size_t>(i);
      const text::Encoding encoding = tokenizer.encode(block[row].text);
      ids[row].assign(encoding.ids.begin(), encoding.ids.end());
      std::string().swap(block[row].text);
    }
  });
  for (size_t i = 0; i < block.size(); ++i) {
    if (ids[i].empty()) {
      ++corpus.empty;
      continue;
    }
    append(ids[i], all.documents);
    all.group.push_back(block[i].group);
  }
}

/// Takes the documents of the groups that are held out to `validation`, the others move together.
void part(Grouped all, const std::vector<bool>& is_held_out, TokenCorpus& corpus) {
  Documents& training = corpus.training;
  training.ids = std::move(all.documents.ids);
  auto end = training.ids.begin();
  for (size_t d = 0; d < all.group.size(); ++d) {
    const auto first = training.ids.begin() + all.documents.offsets[d];
    const auto last = training.ids.begin() + all.documents.offsets[d + 1];
    if (is_held_out[all.group[d]]) {
      append({first, last}, corpus.validation);
    } else {
      end = std::copy(first, last, end);
      training.offsets.push_back(end - training.ids.begin());
    }
  }
  training.ids.erase(end, training.ids.end());
}

void note_left_out(const std::string& where, const TokenCorpus& corpus, Progress& progress) {
  if (corpus.excluded + corpus.empty == 0) return;
  progress.note(fmt::format("{}: left out {} of {} rows for their package, {} without text", where,
                            corpus.excluded, corpus.rows, corpus.empty));
}

}  // namespace

std::span<const int32_t> Documents::operator[](size_t document) const {
  const int64_t begin = offsets[document], end = offsets[document + 1];
  return std::span(ids).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
}

const std::vector<std::string>& bundled_packages() {
  static const std::vector<std::string> kPackages{"networkx", "python3-networkx", "python3-tornado",
                                                  "tornado"};
  return kPackages;
}

bool is_of(const JsonObject& row, std::span<const std::string> packages) {
  const auto is_one = [&](const std::string& name) {
    return std::ranges::find(packages, name) != packages.end();
  };
  if (const auto package = name_at(row, "pkg")) return is_one(*package);
  const std::filesystem::path path = name_at(row, "path").value_or("");
  return std::ranges::any_of(path, [&](const auto& part) { return is_one(part.string()); });
}

TokenCorpus read_corpus(const std::filesystem::path& path, const text::Tokenizer& tokenizer,
                        const CorpusOptions& options, Progress& progress) {
  TokenCorpus corpus;
  RowReader reader(path, options);
  Grouped all;
  while (true) {
    std::vector<Row> block = reader.next_block(corpus);
    if (block.empty()) break;
    encode(std::move(block), tokenizer, all, corpus);
    check_interrupted();
  }
  const std::vector<Group>& groups = reader.groups();
  corpus.groups = static_cast<int64_t>(groups.size());
  corpus.sha256 = reader.sha256();
  note_left_out(path.string(), corpus, progress);

  std::vector<bool> is_held_out(groups.size());
  if (options.hold_out) is_held_out = held_out(groups, options.split_seed);
  for (size_t i = 0; i < groups.size(); ++i)
    if (is_held_out[i]) corpus.held_out.push_back(groups[i].name);
  std::ranges::sort(corpus.held_out);
  part(std::move(all), is_held_out, corpus);
  if (corpus.training.size() == 0) {
    bad_input("{}: no text to train on in {} rows, of which {} were left out for their package",
              path.string(), corpus.rows, corpus.excluded);
  }
  return corpus;
}

}  // namespace ssmi::task
