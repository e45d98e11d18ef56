#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "ssmi/core/json.h"
#include "ssmi/io/jsonl.h"

namespace ssmi::code::test {

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The functions of a file of JSON Lines: the given fields one after the other.
inline std::vector<std::string> functions_of_rows(const std::filesystem::path& path,
                                                  const std::vector<std::string>& fields = {
                                                      "code"}) {
  std::vector<std::string> functions;
  io::JsonlReader rows(path);
  while (const auto row = rows.next()) {
    std::string code;
    for (const std::string& field : fields)
      code += row->at(field).get<std::string>();
    functions.push_back(code);
  }
  return functions;
}

/// Rows of tokens, one of which is hidden; a comment ends its line.
inline std::vector<std::string> functions_of_tokens(const std::filesystem::path& path) {
  std::vector<std::string> functions;
  for (const Json& row : parse_json(text_of(path), path.string())) {
    std::string code;
    for (const Json& item : row.at("pl_tokens")) {
      const auto token = item.get<std::string>();
      code += token == "<mask>" ? "max" : token;
      code += token.starts_with("//") ? '\n' : ' ';
    }
    functions.push_back(code);
  }
  return functions;
}

}  // namespace ssmi::code::test
