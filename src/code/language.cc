#include "ssmi/code/language.h"

#include <tree_sitter/api.h>

#include "ssmi/core/error.h"

extern "C" const TSLanguage* tree_sitter_python();

namespace ssmi::code {

void check_abi(std::string_view grammar, uint32_t abi) {
  constexpr uint32_t kOldest = TREE_SITTER_MIN_COMPATIBLE_LANGUAGE_VERSION;
  constexpr uint32_t kNewest = TREE_SITTER_LANGUAGE_VERSION;
  if (abi >= kOldest && abi <= kNewest) return;
  fail(ExitCode::kMismatch,
       "the {} grammar has ABI {}, the tree-sitter runtime loads {} to {}: rebuild with versions "
       "that fit",
       grammar, abi, kOldest, kNewest);
}

Language::Language(std::string name, const TSLanguage* grammar)
    : name_(std::move(name)), grammar_(grammar) {
  const uint32_t abi = ts_language_abi_version(grammar);
  check_abi(name_, abi);
  const TSLanguageMetadata* metadata = ts_language_metadata(grammar);
  version_ = metadata == nullptr ? fmt::format("ABI {}", abi)
                                 : fmt::format("{}.{}.{}", metadata->major_version,
                                               metadata->minor_version, metadata->patch_version);
  const uint32_t count = ts_language_symbol_count(grammar);
  for (uint32_t i = 0; i < count; ++i) {
    const char* type = ts_language_symbol_name(grammar, static_cast<TSSymbol>(i));
    types_.emplace_back(type == nullptr ? "" : type);
  }
}

const Language& Language::python() {
  static const Language language("Python", tree_sitter_python());
  return language;
}

uint16_t Language::field(std::string_view name) const {
  return ts_language_field_id_for_name(grammar_, name.data(), static_cast<uint32_t>(name.size()));
}

}  // namespace ssmi::code
