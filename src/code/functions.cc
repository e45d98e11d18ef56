#include "ssmi/code/functions.h"

#include <algorithm>
#include <optional>

#include "function_name.h"
#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/core/hash.h"
#include "ssmi/io/jsonl.h"

namespace ssmi::code {
namespace {

namespace fs = std::filesystem;

/// The white space before a byte on its line; nothing where other text stands there.
std::string_view indentation(std::string_view source, size_t byte) {
  const size_t newline = source.substr(0, byte).rfind('\n');
  const size_t start = newline == source.npos ? 0 : newline + 1;
  const std::string_view before = source.substr(start, byte - start);
  return before.find_first_not_of(" \t\f") == before.npos ? before : std::string_view();
}

/// How much of the indentation a line begins with.
size_t shared_prefix(std::string_view line, std::string_view indentation) {
  const auto end = std::mismatch(line.begin(), line.end(), indentation.begin(), indentation.end());
  return static_cast<size_t>(end.first - line.begin());
}

/// Ends of lines inside a node that lie in a string, whose next line must stay as it is.
std::vector<size_t> line_ends_in_strings(const SyntaxTree& tree, int32_t function) {
  std::vector<size_t> ends;
  const std::vector<Node>& nodes = tree.nodes();
  for (int32_t n = function; n < nodes[static_cast<size_t>(function)].end;) {
    const Node& node = nodes[static_cast<size_t>(n)];
    const bool string = tree.is(n, Role::kString);
    for (size_t i = node.begin_byte; string && i < node.end_byte; ++i) {
      if (tree.source()[i] == '\n') ends.push_back(i);
    }
    n = string ? node.end : n + 1;
  }
  return ends;
}

std::string dedented(const SyntaxTree& tree, int32_t function) {
  const Node& node = tree.nodes()[static_cast<size_t>(function)];
  const std::string_view source = tree.source();
  const std::string_view indent = indentation(source, node.begin_byte);
  if (indent.empty()) return std::string(tree.text(node.begin_byte, node.end_byte));
  const std::vector<size_t> kept = line_ends_in_strings(tree, function);
  std::string code;
  for (size_t start = node.begin_byte; start < node.end_byte;) {
    const size_t newline = source.find('\n', start);
    const size_t end =
        std::min<size_t>(newline == source.npos ? source.size() : newline + 1, node.end_byte);
    code += source.substr(start, end - start);
    start = end;
    if (end < node.end_byte && !std::binary_search(kept.begin(), kept.end(), end - 1)) {
      start += shared_prefix(source.substr(end, node.end_byte - end), indent);
    }
  }
  return code;
}

std::optional<std::string> optional_string(const JsonObject& row, const std::string& key) {
  if (!row.has(key)) return std::nullopt;
  return row.string(key);
}

void load_rows(const fs::path& path, const std::string& field, const Language& language,
               FunctionSet& set) {
  io::JsonlReader reader(path);
  set.files = 1;
  while (const auto json = reader.next()) {
    const JsonObject row(*json, reader.where());
    Function function;
    function.code = row.string(field);
    function.path = optional_string(row, "path").value_or(reader.where());
    function.line = row.has("line") ? row.integer("line", 0, INT32_MAX) : 1;
    function.name = optional_string(row, "name").value_or("");
    function.package = optional_string(row, "pkg").value_or("");
    function.language = &language;
    set.functions.push_back(std::move(function));
  }
}

void add_functions(const SyntaxTree& tree, const std::string& path, FunctionSet& set) {
  for (Function& function : functions_of(tree, path)) {
    if (SyntaxTree(function.code, *function.language).has_error()) {
      ++set.functions_broken;
    } else {
      set.functions.push_back(std::move(function));
    }
  }
}

void load_source(const fs::path& path, const Language& language, FunctionSet& set) {
  set.files = 1;
  const SyntaxTree tree(read_file(path, SyntaxTree::kMaxBytes), language);
  tree.require_valid(path.string());
  add_functions(tree, path.filename().string(), set);
}

void load_folder(const fs::path& folder, const Language* language, FunctionSet& set) {
  const auto is_wanted = [&](const fs::path& path) {
    return language == nullptr ? Language::of_path(path) != nullptr
                               : language->has_extension_of(path);
  };
  std::vector<std::string> paths;
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::end(entry); ++entry) {
    const bool hidden = entry->path().filename().string().starts_with(".");
    if (hidden) {
      entry.disable_recursion_pending();
    } else if (entry->symlink_status().type() == fs::file_type::regular &&
               is_wanted(entry->path())) {
      paths.push_back(entry->path().lexically_relative(folder).generic_string());
    }
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    ++set.files;
    if (fs::file_size(folder / path) > SyntaxTree::kMaxBytes) {
      ++set.files_too_large;
      continue;
    }
    const SyntaxTree tree(read_file(folder / path, SyntaxTree::kMaxBytes),
                          language == nullptr ? *Language::of_path(path) : *language);
    if (tree.has_error()) {
      ++set.files_broken;
    } else {
      add_functions(tree, path, set);
    }
  }
}

std::string hash(const std::vector<Function>& functions) {
  Sha256 hash;
  for (const Function& function : functions) {
    for (const std::string* text :
         {&function.code, &function.path, &function.name, &function.package}) {
      hash.update(fmt::format("{}:{}", text->size(), *text));
    }
    hash.update(fmt::format("{};{};", function.line, function.language->name()));
  }
  return hash.finish();
}

std::vector<const Language*> languages_of(const std::vector<Function>& functions) {
  std::vector<const Language*> languages;
  for (const Language* language : Language::all()) {
    const auto is_in = [&](const Function& function) { return function.language == language; };
    if (std::ranges::any_of(functions, is_in)) languages.push_back(language);
  }
  return languages;
}

}  // namespace

FunctionSet load_functions(const fs::path& path, const std::string& field,
                           const Language* language) try {
  FunctionSet set;
  const Language* by_extension = Language::of_path(path);
  if (fs::is_directory(path)) {
    load_folder(path, language, set);
  } else if (by_extension != nullptr) {
    load_source(path, language == nullptr ? *by_extension : *language, set);
  } else {
    load_rows(path, field, language == nullptr ? Language::python() : *language, set);
  }
  if (set.functions.empty()) {
    bad_input("{}: no function found in {} files, of which {} do not parse", path.string(),
              set.files, set.files_broken);
  }
  set.languages = languages_of(set.functions);
  set.sha256 = hash(set.functions);
  return set;
} catch (const fs::filesystem_error& error) {
  fail(ExitCode::kDisk, "{}: cannot read: {}", error.path1().string(), error.code().message());
}

std::vector<Function> functions_of(const SyntaxTree& tree, const std::string& path) {
  std::vector<Function> functions;
  const std::vector<Node>& nodes = tree.nodes();
  int64_t line = 1;
  uint32_t counted = 0;  // bytes whose line feeds are in `line`
  for (int32_t n = 0; n < static_cast<int32_t>(nodes.size());) {
    const Node& node = nodes[static_cast<size_t>(n)];
    const int32_t name = function_name(tree, n);
    if (name < 0) {
      ++n;
      continue;
    }
    line +=
        std::count(tree.source().begin() + counted, tree.source().begin() + node.begin_byte, '\n');
    counted = node.begin_byte;
    const Node& named = nodes[static_cast<size_t>(name)];
    functions.push_back({dedented(tree, n), path, line,
                         std::string(tree.text(named.begin_byte, named.end_byte)), "",
                         &tree.language()});
    n = node.end;
  }
  return functions;
}

}  // namespace ssmi::code
