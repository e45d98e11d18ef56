#pragma once

#include <memory>

#include "architectures.h"

namespace ssmi::model {

/// The S4D kernels of a network of the authors' library, whatever else it has: it can be analysed
/// but not run. The places of the kernels are those of the checkpoint, or
/// model.layers.{i}.layer.layer.kernel without one.
std::unique_ptr<Model> make_s4d_library(const JsonObject& config, const Stored& stored);

}  // namespace ssmi::model
