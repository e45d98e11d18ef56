#include "ssmi/code/obfuscate.h"

#include <fmt/format.h>

#include <unordered_map>

#include "ssmi/code/bindings.h"

namespace ssmi::code {
namespace {

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
  bool is_name(int32_t n) const { return tree_.type(n) == "identifier" && node(n).parent >= 0; }
  bool is_field(int32_t n, std::string_view field) const {
    return node(n).field != 0 && node(n).field == tree_.language().field(field);
  }

  void find_names() {
    const int32_t function = first_function_name(tree_);
    if (function >= 0) {
      own_ = text(function);
      names_.emplace(own_, "Func");
    }
    for (const int32_t n : bindings(tree_)) {
      const auto [entry, is_new] = names_.emplace(text(n), fmt::format("arg_{}", bound_));
      if (is_new) ++bound_;
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
  return Obfuscation(tree).source();
}

}  // namespace ssmi::code
