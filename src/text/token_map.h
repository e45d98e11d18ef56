#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace ssmi::text {

/// Tokens and their ids, both ways.
class TokenMap {
 public:
  /// A token given again takes the new id; of two tokens with one id the first keeps the name.
  void add(const std::string& token, int64_t id) {
    ids_[token] = id;
    names_.try_emplace(id, token);
  }
  std::optional<int64_t> id(std::string_view token) const {
    const auto found = ids_.find(token);
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
  }
  /// Null where no token has the id.
  const std::string* name(int64_t id) const {
    const auto found = names_.find(id);
    return found == names_.end() ? nullptr : &found->second;
  }
  size_t size() const { return ids_.size(); }
  const auto& ids() const { return ids_; }
  const auto& names() const { return names_; }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, int64_t, Hash, std::equal_to<>> ids_;
  std::unordered_map<int64_t, std::string> names_;
};

/// Ids beyond this are taken for damage.
constexpr int64_t kMaxId = (int64_t{1} << 31) - 1;

}  // namespace ssmi::text
