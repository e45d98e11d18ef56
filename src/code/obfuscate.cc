#include "ssmi/code/obfuscate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "ssmi/core/error.h"

namespace ssmi::code {
namespace {

/// Children that a node binds: those under `field`, or all of them that have none.
struct Binding {
  std::string_view parent, field;
};
constexpr std::array kBindings{
    Binding{"parameters", ""},
    Binding{"lambda_parameters", ""},
    Binding{"default_parameter", "name"},
    Binding{"typed_default_parameter", "name"},
    Binding{"typed_parameter", ""},
    Binding{"assignment", "left"},
    Binding{"augmented_assignment", "left"},
    Binding{"named_expression", "name"},
    Binding{"for_statement", "left"},
    Binding{"for_in_clause", "left"},
    Binding{"as_pattern_target", ""},
    Binding{"function_definition", "name"},
    Binding{"class_definition", "name"},
};

/// What is bound with the names in it.
constexpr std::array kPatterns{std::string_view("pattern_list"), std::string_view("tuple_pattern"),
                               std::string_view("list_pattern"),
                               std::string_view("list_splat_pattern"),
                               std::string_view("dictionary_splat_pattern")};

class Obfuscation {
 public:
  explicit Obfuscation(const SyntaxTree& tree) : tree_(tree) { find_names(); }

  std::string source() const {
    std::string out;
    int64_t done = 0;
    for (int32_t n = 0; n < size(); ++n) {
      const std::string* name = replacement(n);
      if (name == nullptr) continue;
      out += tree_.text(done, node(n).begin_byte);
      out += *name;
      done = node(n).end_byte;
    }
    return out + std::string(tree_.text(done, static_cast<int64_t>(tree_.source().size())));
  }

 private:
  int32_t size() const { return static_cast<int32_t>(tree_.nodes().size()); }
  const Node& node(int32_t n) const { return tree_.nodes()[static_cast<size_t>(n)]; }
  std::string_view text(int32_t n) const {
    return tree_.text(node(n).begin_byte, node(n).end_byte);
  }
  bool is_name(int32_t n) const {
    return tree_.type(n) == "identifier" && node(n).parent >= 0 && tree_.is_childless(n);
  }
  bool is_field(int32_t n, std::string_view field) const {
    return field.empty() ? node(n).field == 0
                         : node(n).field != 0 && node(n).field == tree_.language().field(field);
  }

  bool is_bound(int32_t n) const {
    int32_t parent = node(n).parent;
    while (std::ranges::find(kPatterns, tree_.type(parent)) != kPatterns.end()) {
      n = parent;
      parent = node(n).parent;
    }
    return std::ranges::any_of(kBindings, [&](const Binding& binding) {
      return tree_.type(parent) == binding.parent && is_field(n, binding.field);
    });
  }

  void find_names() {
    for (int32_t n = 0; n < size() && own_.empty(); ++n) {
      if (tree_.type(n) != "function_definition") continue;
      const int32_t name = tree_.child(n, "name");
      if (name >= 0) own_ = text(name);
    }
    if (!own_.empty()) names_.emplace(own_, "Func");
    for (int32_t n = 0; n < size(); ++n) {
      if (!is_name(n) || !is_bound(n) || names_.contains(text(n))) continue;
      names_.emplace(text(n), fmt::format("arg_{}", bound_++));
    }
  }

  /// What a node is replaced by; null where it stays.
  const std::string* replacement(int32_t n) const {
    if (!is_name(n)) return nullptr;
    const auto found = names_.find(text(n));
    if (found == names_.end()) return nullptr;
    const std::string_view parent = tree_.type(node(n).parent);
    const bool is_of_others = (parent == "attribute" && is_field(n, "attribute")) ||
                              (parent == "keyword_argument" && is_field(n, "name"));
    return is_of_others && text(n) != own_ ? nullptr : &found->second;
  }

  const SyntaxTree& tree_;
  std::string_view own_;
  std::unordered_map<std::string_view, std::string> names_;
  int bound_ = 0;
};

}  // namespace

std::string obfuscated(const SyntaxTree& tree) {
  if (&tree.language() != &Language::python()) {
    fail(ExitCode::kMismatch, "names can be taken out of Python alone, not of {}",
         tree.language().name());
  }
  return Obfuscation(tree).source();
}

}  // namespace ssmi::code
