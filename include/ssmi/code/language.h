#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct TSLanguage;

namespace ssmi::code {

/// A grammar the program was built with. Node types are views of the grammar's own static text.
class Language {
 public:
  /// Throws Error{kMismatch} when the runtime cannot load the grammar's ABI.
  static const Language& python();
  Language(const Language&) = delete;
  Language& operator=(const Language&) = delete;

  const std::string& name() const { return name_; }
  /// As its package has it ("0.25.0"), or only the ABI for grammars too old to say.
  const std::string& version() const { return version_; }
  /// The name of a node's symbol; "ERROR" for the runtime's own, which no grammar has.
  std::string_view type(uint16_t symbol) const {
    return symbol < types_.size() ? types_[symbol] : "ERROR";
  }
  /// The grammar's number of a field ("left"); 0 where it has no such field.
  uint16_t field(std::string_view name) const;
  const TSLanguage* grammar() const { return grammar_; }

 private:
  Language(std::string name, const TSLanguage* grammar);
  std::string name_;
  std::string version_;
  const TSLanguage* grammar_;
  std::vector<std::string_view> types_;
};

/// Throws Error{kMismatch} unless a grammar of this ABI can be loaded by the runtime.
void check_abi(std::string_view grammar, uint32_t abi);

}  // namespace ssmi::code
