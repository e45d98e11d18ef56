#pragma once

#include <memory>

#include "ssmi/core/json.h"
#include "ssmi/model/model.h"

namespace ssmi::model {

/// One maker an architecture; each lives in the file of that name.
std::unique_ptr<Model> make_bimamba(const JsonObject& config);

}  // namespace ssmi::model
