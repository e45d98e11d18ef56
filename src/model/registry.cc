#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "architectures.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/model/model.h"

namespace ssmi::model {
namespace {

using Maker = std::unique_ptr<Model> (*)(const JsonObject& config, const Stored& stored);

const std::map<std::string, Maker>& makers() {
  static const std::map<std::string, Maker> kMakers{
      {"BiGS", make_bigs},  // as the published configs write it
      {"bigs", make_bigs},
      {"bimamba", make_bimamba},
      {"codessm", make_codessm},
      {"s4d", make_s4d},
  };
  return kMakers;
}

}  // namespace

const io::TensorView* Stored::find(std::string_view name) const {
  if (!known()) return nullptr;
  const auto is_it = [&](const auto& entry) {
    const std::string_view stored = entry.first;
    return stored.ends_with(name) &&
           (stored.size() == name.size() || stored[stored.size() - name.size() - 1] == '.');
  };
  const auto found = std::ranges::find_if(*tensors_, is_it);
  return found == tensors_->end() ? nullptr : &found->second;
}

std::vector<std::string> architectures() {
  std::vector<std::string> names;
  for (const auto& [name, maker] : makers())
    names.push_back(name);
  return names;
}

std::unique_ptr<Model> make_model(const Json& config, const std::string& where,
                                  const io::TensorMap* stored) {
  const JsonObject object(config, where);
  const std::string type = object.string("model_type");
  const auto maker = makers().find(type);
  if (maker == makers().end()) {
    bad_input("{}: model_type '{}' is not known; known are: {}", where, excerpt(type),
              fmt::join(architectures(), ", "));
  }
  return maker->second(object, Stored(stored));
}

}  // namespace ssmi::model
