#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "ssmi/code/language.h"

namespace ssmi::code {

/// All that is particular to a language. Node types are those of its grammar.
struct LanguageRow {
  using Names = std::vector<std::string_view>;
  std::string_view name;
  std::string_view short_name;
  const TSLanguage* (*grammar)();
  std::string_view version;
  FlowRules flow = FlowRules::kNone;
  Names extensions;
  Names strings;
  Names left_out;
  Names blocks;
  Names functions;
  Names keywords;
  Names type_names;
  std::vector<Wrapper> wrappers;
};

std::span<const LanguageRow> language_table();

}  // namespace ssmi::code
