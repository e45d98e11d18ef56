#include "ssmi/code/language.h"

#include <tree_sitter/api.h>

#include <algorithm>
#include <memory>

#include "language_table.h"
#include "ssmi/core/error.h"

namespace ssmi::code {
namespace {

std::string lowered(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

}  // namespace

void check_abi(std::string_view grammar, uint32_t abi) {
  constexpr uint32_t kOldest = TREE_SITTER_MIN_COMPATIBLE_LANGUAGE_VERSION;
  constexpr uint32_t kNewest = TREE_SITTER_LANGUAGE_VERSION;
  if (abi >= kOldest && abi <= kNewest) return;
  fail(ExitCode::kMismatch,
       "the {} grammar has ABI {}, the tree-sitter runtime loads {} to {}: rebuild with versions "
       "that fit",
       grammar, abi, kOldest, kNewest);
}

Language::Language(const LanguageRow& row)
    : row_(row), name_(row.name), version_(row.version), grammar_(row.grammar()) {
  check_abi(name_, abi());
  const uint32_t count = ts_language_symbol_count(grammar_);
  for (uint32_t i = 0; i < count; ++i) {
    const char* type = ts_language_symbol_name(grammar_, static_cast<TSSymbol>(i));
    types_.emplace_back(type == nullptr ? "" : type);
  }
  roles_.resize(types_.size());
  give_role(Role::kString, row.strings);
  give_role(Role::kLeftOut, row.left_out);
  give_role(Role::kBlock, row.blocks);
  give_role(Role::kFunction, row.functions);
  give_role(Role::kKeyword, row.keywords);
  give_role(Role::kTypeName, row.type_names);
}

void Language::give_role(Role role, std::span<const std::string_view> types) {
  // A word of the language may be spelt as a kind of node: TypeScript's type `string`.
  const bool may_be_word = role == Role::kKeyword || role == Role::kLeftOut;
  for (const std::string_view type : types) {
    bool known = false;
    for (size_t i = 0; i < types_.size(); ++i) {
      const auto kind = ts_language_symbol_type(grammar_, static_cast<TSSymbol>(i));
      if (types_[i] != type || (!may_be_word && kind != TSSymbolTypeRegular)) continue;
      roles_[i] |= static_cast<uint8_t>(role);
      known = true;
    }
    if (!known) fail(ExitCode::kBug, "the {} grammar {} has no node '{}'", name_, version_, type);
  }
}

std::span<const Language* const> Language::all() {
  static const auto kLanguages = [] {
    std::vector<std::unique_ptr<const Language>> languages;
    for (const LanguageRow& row : language_table()) {
      languages.push_back(std::unique_ptr<const Language>(new Language(row)));
    }
    return languages;
  }();
  static const auto kPointers = [] {
    std::vector<const Language*> pointers;
    for (const auto& language : kLanguages)
      pointers.push_back(language.get());
    return pointers;
  }();
  return kPointers;
}

const Language& Language::python() {
  return *all().front();
}

const Language& Language::named(std::string_view name) {
  std::string known;
  for (const Language* language : all()) {
    if (lowered(name) == language->short_name() || lowered(name) == lowered(language->name())) {
      return *language;
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", language->short_name());
  }
  fail(ExitCode::kUsage, "unknown language '{}': known are {}", name, known);
}

const Language* Language::of_path(const std::filesystem::path& path) {
  for (const Language* language : all()) {
    if (language->has_extension_of(path)) return language;
  }
  return nullptr;
}

bool Language::has_extension_of(const std::filesystem::path& path) const {
  return std::ranges::find(row_.extensions, path.extension().string()) != row_.extensions.end();
}

std::string_view Language::short_name() const {
  return row_.short_name;
}

uint32_t Language::abi() const {
  return ts_language_abi_version(grammar_);
}

std::span<const std::string_view> Language::extensions() const {
  return row_.extensions;
}

FlowRules Language::flow_rules() const {
  return row_.flow;
}

std::span<const Wrapper> Language::wrappers() const {
  return row_.wrappers;
}

uint16_t Language::field(std::string_view name) const {
  return ts_language_field_id_for_name(grammar_, name.data(), static_cast<uint32_t>(name.size()));
}

}  // namespace ssmi::code
