#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include "ssmi/code/relations.h"

namespace ssmi::code::test {

/// The file of each language with much of its syntax.
inline std::filesystem::path sample_path(const Language& language) {
  const auto folder = std::filesystem::path(SSMI_SOURCE_DIR) / "tests/data/languages";
  return folder / ("sample" + std::string(language.extensions()[0]));
}

/// A parsed text with its leaves.
struct Program {
  explicit Program(const std::string& source, const Language& language = Language::python())
      : tree(source, language), leaves(tree) {}
  SyntaxTree tree;
  Leaves leaves;

  std::string text(int32_t leaf) const {
    return std::string(tree.text(leaves[leaf].begin, leaves[leaf].end));
  }

  /// The text of a leaf, numbered where it occurs more than once ("x", "x2", "x3").
  std::string label(int32_t leaf) const {
    int count = 1;
    for (int32_t i = 0; i < leaf; ++i)
      count += text(i) == text(leaf);
    return count == 1 ? text(leaf) : text(leaf) + std::to_string(count);
  }

  /// The leaf with that label; -1 for none.
  int32_t find(const std::string& wanted) const {
    for (int32_t i = 0; i < leaves.size(); ++i) {
      if (label(i) == wanted) return i;
    }
    return -1;
  }
};

}  // namespace ssmi::code::test
