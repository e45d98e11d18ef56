#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct TSLanguage;

namespace ssmi::code {

struct LanguageRow;

/// What a node of a syntax tree counts as.
enum class Role : uint8_t {
  kString = 1,     ///< one leaf, whatever is in it
  kLeftOut = 2,    ///< no leaf: comments and the like
  kBlock = 4,      ///< a body, into which no motif of siblings reaches
  kFunction = 8,   ///< a function, where it has a body
  kKeyword = 16,   ///< a leaf that distance and sibling pairs may start from
  kTypeName = 32,  ///< a leaf that names a type, and so is no variable
};

/// How the data flow of a language is computed.
enum class FlowRules : uint8_t {
  kNone,    ///< not known
  kPython,  //
  kBraces,  ///< those of Java and JavaScript
};

/// Text around a fragment (a method without its class) that makes it parse.
struct Wrapper {
  std::string_view before;
  std::string_view after;
};

/// A grammar the program was built with. Node types are views of the grammar's own static text.
/// Each language is set up when it is first asked for, with Error{kMismatch} when the runtime
/// cannot load the grammar's ABI.
class Language {
 public:
  static const Language& python();
  /// Every language there is, in the order of the table in docs/parse.md.
  static std::span<const Language* const> all();
  /// By name ("C++") or short name ("cpp"), in any case. Throws Error{kUsage} with the known ones.
  static const Language& named(std::string_view name);
  /// By the extension of a path, the first in the table that has it (`.h` is C); null for one that
  /// is not known.
  static const Language* of_path(const std::filesystem::path& path);
  Language(const Language&) = delete;
  Language& operator=(const Language&) = delete;

  const std::string& name() const { return name_; }        ///< "C++"
  std::string_view short_name() const;                     ///< "cpp"
  const std::string& version() const { return version_; }  ///< of the grammar's package
  uint32_t abi() const;
  std::span<const std::string_view> extensions() const;  ///< ".cc", ...
  bool has_extension_of(const std::filesystem::path& path) const;
  FlowRules flow_rules() const;
  std::span<const Wrapper> wrappers() const;
  /// The name of a node's symbol; "ERROR" for the runtime's own, which no grammar has.
  std::string_view type(uint16_t symbol) const {
    return symbol < types_.size() ? types_[symbol] : "ERROR";
  }
  bool is(uint16_t symbol, Role role) const {
    return symbol < roles_.size() && (roles_[symbol] & static_cast<uint8_t>(role)) != 0;
  }
  /// The grammar's number of a field ("left"); 0 where it has no such field.
  uint16_t field(std::string_view name) const;
  const TSLanguage* grammar() const { return grammar_; }

 private:
  explicit Language(const LanguageRow& row);
  void give_role(Role role, std::span<const std::string_view> types);
  const LanguageRow& row_;
  std::string name_;
  std::string version_;
  const TSLanguage* grammar_;
  std::vector<std::string_view> types_;  // by symbol
  std::vector<uint8_t> roles_;           // by symbol
};

/// Throws Error{kMismatch} unless a grammar of this ABI can be loaded by the runtime.
void check_abi(std::string_view grammar, uint32_t abi);

}  // namespace ssmi::code
