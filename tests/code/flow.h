#pragma once

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "program.h"
#include "ssmi/code/dataflow.h"

namespace ssmi::code::test {

using Texts = std::set<std::string>;

/// The data flow of a program, "x2<-x" where the second leaf `x` comes from the first, "x<=y" where
/// `x` is computed from `y`.
inline Texts flow(const std::string& source, const Language& language) {
  const Program program(source, language);
  CAPTURE(source);
  REQUIRE_FALSE(program.tree.has_error());
  Texts texts;
  for (const Edge& edge : data_flow(program.tree, program.leaves)) {
    texts.insert(program.label(edge.from) + (edge.label == kComesFrom ? "<-" : "<=") +
                 program.label(edge.to));
  }
  return texts;
}

}  // namespace ssmi::code::test
