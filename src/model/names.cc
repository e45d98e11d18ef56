#include "names.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include "ssmi/core/excerpt.h"

namespace ssmi::model {
namespace {

constexpr std::array<std::string_view, 3> kWrappers{"module.", "model.", "_orig_mod."};

constexpr size_t kMostWrappers = 8;

struct Match {
  std::string name;  // the parameter's, or one the model ignores
  std::string stripped;
  bool added = false;
};

/// The name by which TensorFlow's BERT calls a norm's parameter, as PyTorch's does.
std::string modern(const std::string& name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kNorms{
      {{".LayerNorm.gamma", ".LayerNorm.weight"}, {".LayerNorm.beta", ".LayerNorm.bias"}}};
  for (const auto& [old, now] : kNorms)
    if (name.ends_with(old)) return name.substr(0, name.size() - old.size()).append(now);
  return name;
}

class Matcher {
 public:
  explicit Matcher(Model& model) : model_(model), base_(model.info().base_prefix) {
    model.visit([&](const Parameter& parameter, at::Tensor&) { expected_.insert(parameter.name); });
  }

  bool expects(const std::string& name) const { return expected_.contains(name); }

  std::optional<Match> match(const std::string& stored) const {
    for (size_t begin = 0, wrappers = 0; wrappers <= kMostWrappers; ++wrappers) {
      const std::string rest = stored.substr(begin);
      if (is_known(rest)) return Match{rest, stored.substr(0, begin)};
      if (!base_.empty() && is_known(base_ + rest)) {
        return Match{base_ + rest, stored.substr(0, begin), true};
      }
      const size_t length = wrapper_length(rest);
      if (length == 0) return std::nullopt;
      begin += length;
    }
    return std::nullopt;
  }

 private:
  bool is_known(const std::string& name) const { return expects(name) || model_.ignores(name); }

  size_t wrapper_length(std::string_view name) const {
    if (!base_.empty() && name.starts_with(base_)) return base_.size();
    const auto* found =
        std::ranges::find_if(kWrappers, [&](auto wrapper) { return name.starts_with(wrapper); });
    return found == kWrappers.end() ? 0 : found->size();
  }

  const Model& model_;
  std::string base_;
  std::set<std::string> expected_;
};

}  // namespace

Names match_names(const io::TensorMap& tensors, Model& model) {
  const Matcher matcher(model);
  Names names;
  for (const auto& [stored, view] : tensors) {
    const std::string name = modern(stored);
    const auto match = matcher.match(name);
    if (!match) {
      names.unexpected.push_back(stored);
      continue;
    }
    if (!matcher.expects(match->name)) {
      names.ignored.push_back(stored);
      continue;
    }
    const auto [place, is_new] = names.stored.emplace(match->name, stored);
    if (!is_new) {
      names.clashes.push_back(fmt::format("tensors '{}' and '{}' are both '{}'",
                                          excerpt(place->second), excerpt(stored), match->name));
    }
    if (!match->stripped.empty()) ++names.stripped[match->stripped];
    names.added += match->added ? 1 : 0;
    names.norms += name != stored ? 1 : 0;
  }
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kShown = 5;
  std::vector<std::string> shown;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i)
    shown.push_back(excerpt(names[i]));
  std::string text = fmt::format("'{}'", fmt::join(shown, "', '"));
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

}  // namespace ssmi::model
