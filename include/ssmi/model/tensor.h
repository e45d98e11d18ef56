#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

#include "ssmi/io/safetensors.h"
#include "ssmi/io/tensor.h"

namespace ssmi::model {

/// LibTorch's element type of that name.
at::ScalarType scalar_type(io::Dtype dtype);

/// The tensor where it lies in the mapped file, which it keeps open, never to be written to; a copy
/// where it is not aligned, and in float32 where the values are stored otherwise.
at::Tensor tensor_of(const io::TensorView& view);

/// A contiguous tensor of the CPU to write, where it lies: it must outlive what is given.
io::TensorBytes bytes_of(const std::string& name, const at::Tensor& tensor);

/// io::write_safetensors() of such tensors.
void write_tensors(const std::filesystem::path& path,
                   const std::map<std::string, at::Tensor>& tensors,
                   const std::map<std::string, std::string>& metadata);

}  // namespace ssmi::model
