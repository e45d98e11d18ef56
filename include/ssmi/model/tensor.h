#pragma once

#include <ATen/core/Tensor.h>

#include "ssmi/io/tensor.h"

namespace ssmi::model {

/// LibTorch's element type of that name.
at::ScalarType scalar_type(io::Dtype dtype);

/// The tensor where it lies in the mapped file, which it keeps open, never to be written to; a copy
/// where it is not aligned, and in float32 where the values are stored otherwise.
at::Tensor tensor_of(const io::TensorView& view);

}  // namespace ssmi::model
