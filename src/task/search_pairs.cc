#include "ssmi/task/search_pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_set>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/hash.h"
#include "ssmi/core/utf8.h"
#include "ssmi/io/json_array.h"
#include "ssmi/io/jsonl.h"
#include "ssmi/task/corpus.h"

namespace ssmi::task {
namespace {

namespace fs = std::filesystem;

/// Pairs as they come.
class Collected {
 public:
  void add(std::string query, std::string code) {
    for (const std::string* text : {&query, &code})
      hash_.update(fmt::format("{}:{}", text->size(), *text));
    ++pairs.rows;
    pairs.queries.push_back(std::move(query));
    pairs.codes.push_back(std::move(code));
  }
  /// Adds what is right and new.
  void add_answer(std::string title, std::string code, bool right) {
    int64_t* left_out = !right                    ? &pairs.wrong
                        : titles_.contains(title) ? &pairs.repeated_queries
                        : codes_.contains(code)   ? &pairs.repeated_codes
                                                  : nullptr;
    if (left_out != nullptr) {
      ++*left_out;
      ++pairs.rows;
      return;
    }
    titles_.insert(title);
    codes_.insert(code);
    add(std::move(title), std::move(code));
  }
  SearchPairs finish() {
    pairs.sha256 = hash_.finish();
    return std::move(pairs);
  }

  SearchPairs pairs;

 private:
  Sha256 hash_;
  std::unordered_set<std::string> titles_, codes_;
};

std::string filled(const JsonObject& row, const std::string& key) {
  std::string text = row.string(key);
  if (text.empty()) bad_input("{}: '{}' is empty", row.where(), key);
  return text;
}

template <typename Reader, typename Visit>
void visit_objects(const fs::path& path, Visit visit) {
  Reader reader(path);
  while (const auto json = reader.next())
    visit(JsonObject(*json, reader.where()));
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t") == line.npos;
}

/// The first byte that is not blank, 0 where there is none.
char first_byte(const fs::path& path) {
  io::LineReader lines(path);
  while (const auto line = lines.next())
    if (!is_blank(*line)) return (*line)[line->find_first_not_of(" \t")];
  return 0;
}

using Fields = std::array<std::string_view, 5>;

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// A row of CodeNN. The last field is 0 in all that is published, and is not used.
Fields codenn_fields(std::string_view line, const std::string& where) {
  constexpr std::string_view kExpected =
      "expected five tab separated fields (answer id, question id, title, code, flag), or JSON";
  const auto tabs = static_cast<size_t>(std::ranges::count(line, '\t'));
  Fields fields;
  if (tabs + 1 != fields.size())
    bad_input("{}: {}; found {} in '{}'", where, kExpected, tabs + 1, excerpt(line));
  for (std::string_view& field : fields) {
    const size_t length = std::min(line.find('\t'), line.size());
    field = line.substr(0, length);
    line.remove_prefix(std::min(length + 1, line.size()));
  }
  for (const size_t id : {0, 1})
    if (!is_number(fields[id]))
      bad_input("{}: {}; found the id '{}'", where, kExpected, excerpt(fields[id]));
  for (const size_t text : {2, 3})
    if (fields[text].empty()) bad_input("{}: {}; found an empty one", where, kExpected);
  return fields;
}

/// CodeNN writes line feeds as `\n` and nothing else so: any other backslash, also one before it,
/// is the code's own. A `\n` of the code itself cannot be told from a line feed.
std::string with_line_feeds(std::string_view code) {
  std::string text;
  for (size_t begin = 0; begin < code.size();) {
    const size_t end = std::min(code.find("\\n", begin), code.size());
    text += code.substr(begin, end - begin);
    if (end < code.size()) text += '\n';
    begin = end + 2;
  }
  return text;
}

template <typename Visit>
void visit_codenn(const fs::path& path, Visit visit) {
  io::LineReader lines(path);
  while (const auto line = lines.next()) {
    if (is_blank(*line)) continue;
    if (!is_utf8(*line)) bad_input("{}: expected UTF-8, found other bytes", lines.where());
    const Fields fields = codenn_fields(*line, lines.where());
    visit(std::string(fields[2]), with_line_feeds(fields[3]));
  }
}

}  // namespace

SearchPairs read_search_pairs(const fs::path& path, std::span<const std::string> excluded) {
  Collected collected;
  visit_objects<io::JsonlReader>(path, [&](const JsonObject& row) {
    if (is_of(row, excluded)) {
      ++collected.pairs.excluded;
      ++collected.pairs.rows;
    } else {
      collected.add(filled(row, "doc"), filled(row, "code"));
    }
  });
  if (collected.pairs.size() == 0) bad_input("{}: no row with a 'doc' and a 'code'", path.string());
  return collected.finish();
}

SearchPairs read_answers(const fs::path& path, Progress& progress) {
  Collected collected;
  const auto add_object = [&](const JsonObject& row) {
    const bool right = !row.has("label") || row.integer("label", 0, 1) == 1;
    collected.add_answer(filled(row, "doc"), filled(row, "code"), right);
  };
  switch (first_byte(path)) {
    case '{':
      visit_objects<io::JsonlReader>(path, add_object);
      break;
    case '[':
      visit_objects<io::JsonArrayReader>(path, add_object);
      break;
    default:
      visit_codenn(path, [&](std::string title, std::string code) {
        collected.add_answer(std::move(title), std::move(code), true);
      });
  }
  SearchPairs pairs = collected.finish();
  if (pairs.size() == 0)
    bad_input("{}: no title with an answer in {} rows", path.string(), pairs.rows);
  if (const auto left_out = pairs.rows - static_cast<int64_t>(pairs.size()); left_out > 0) {
    progress.note(fmt::format(
        "{}: left out {} of {} rows: {} wrong answers, {} further ones of a title, {} that "
        "answered an earlier title",
        path.string(), left_out, pairs.rows, pairs.wrong, pairs.repeated_queries,
        pairs.repeated_codes));
  }
  return pairs;
}

}  // namespace ssmi::task
