#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ssmi/code/syntax_tree.h"

namespace ssmi::code {

/// A function to look at, and where it comes from.
struct Function {
  std::string code;
  std::string path;
  int64_t line = 0;  ///< of its first line in `path`, from 1
  std::string name;
  std::string package;
  const Language* language = &Language::python();
};

/// Functions in the order of their file or folder, and what was left out on the way.
struct FunctionSet {
  std::vector<Function> functions;
  int64_t files = 0;                       ///< read, those left out included
  int64_t files_broken = 0;                ///< left out for a syntax error
  int64_t files_too_large = 0;             ///< left out for more than SyntaxTree::kMaxBytes
  int64_t functions_broken = 0;            ///< left out because they do not parse alone
  std::vector<const Language*> languages;  ///< of the functions, in the order of Language::all()
  std::string sha256;  ///< of the functions, whatever kind of file they come from
};

/// Reads functions from
/// - a JSON Lines file, plain or compressed: `field` of each row is the code, `path`, `line`,
///   `name` and `pkg` are taken where they are given (else the row's own place); they are in
///   `language`, or Python;
/// - a source file, in `language`, or that of its extension;
/// - a folder: every file with an extension of `language`, or of any, see functions_of(). Folders
///   are walked in the order of their paths, without following links, hidden entries skipped.
/// Code of JSON rows is not parsed. Throws Error{kDisk} for what cannot be read, Error{kBadInput}
/// for a row without the field or of the wrong type, a single source file with a syntax error, and
/// when no function is found.
FunctionSet load_functions(const std::filesystem::path& path, const std::string& field = "code",
                           const Language* language = nullptr);

/// Every function that has a name and a body and lies in no other such function, methods included:
/// the node alone, without decorators or the name it is assigned to. Methods are dedented so that
/// they parse alone; lines that begin inside a string stay as they are. `path` is copied into each.
std::vector<Function> functions_of(const SyntaxTree& tree, const std::string& path);

}  // namespace ssmi::code
