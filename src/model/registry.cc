#include <fmt/ranges.h>

#include <map>

#include "architectures.h"
#include "ssmi/core/error.h"
#include "ssmi/model/model.h"

namespace ssmi::model {
namespace {

using Maker = std::unique_ptr<Model> (*)(const JsonObject& config);

const std::map<std::string, Maker>& makers() {
  static const std::map<std::string, Maker> kMakers{
      {"bimamba", make_bimamba},
  };
  return kMakers;
}

}  // namespace

std::vector<std::string> architectures() {
  std::vector<std::string> names;
  for (const auto& [name, maker] : makers())
    names.push_back(name);
  return names;
}

std::unique_ptr<Model> make_model(const Json& config, const std::string& where) {
  const JsonObject object(config, where);
  const std::string type = object.string("model_type");
  const auto maker = makers().find(type);
  if (maker == makers().end()) {
    bad_input("{}: model_type '{}' is not known; known are: {}", where, type,
              fmt::join(architectures(), ", "));
  }
  return maker->second(object);
}

}  // namespace ssmi::model
