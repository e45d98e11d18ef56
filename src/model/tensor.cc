#include "ssmi/model/tensor.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "ssmi/core/error.h"

namespace ssmi::model {

namespace {

struct Names {
  io::Dtype file;
  at::ScalarType memory;
};

constexpr std::array<Names, 19> kNames{{
    {io::Dtype::kBool, at::kBool},
    {io::Dtype::kU8, at::kByte},
    {io::Dtype::kI8, at::kChar},
    {io::Dtype::kF8_E4M3, at::kFloat8_e4m3fn},
    {io::Dtype::kF8_E5M2, at::kFloat8_e5m2},
    {io::Dtype::kF8_E8M0, at::kFloat8_e8m0fnu},
    {io::Dtype::kF8_E4M3FNUZ, at::kFloat8_e4m3fnuz},
    {io::Dtype::kF8_E5M2FNUZ, at::kFloat8_e5m2fnuz},
    {io::Dtype::kU16, at::kUInt16},
    {io::Dtype::kI16, at::kShort},
    {io::Dtype::kF16, at::kHalf},
    {io::Dtype::kBF16, at::kBFloat16},
    {io::Dtype::kU32, at::kUInt32},
    {io::Dtype::kI32, at::kInt},
    {io::Dtype::kF32, at::kFloat},
    {io::Dtype::kU64, at::kUInt64},
    {io::Dtype::kI64, at::kLong},
    {io::Dtype::kF64, at::kDouble},
    {io::Dtype::kC64, at::kComplexFloat},
}};

}  // namespace

at::ScalarType scalar_type(io::Dtype dtype) {
  return std::ranges::find(kNames, dtype, &Names::file)->memory;
}

io::TensorBytes bytes_of(const std::string& name, const at::Tensor& tensor) {
  const auto* names = std::ranges::find(kNames, tensor.scalar_type(), &Names::memory);
  if (names == kNames.end() || !tensor.is_contiguous() || !tensor.is_cpu()) {
    fail(ExitCode::kBug, "'{}' cannot be written as it lies", name);
  }
  const auto* data = static_cast<const std::byte*>(tensor.const_data_ptr());
  return {name, names->file, tensor.sizes().vec(), {data, tensor.nbytes()}};
}

at::Tensor tensor_of(const io::TensorView& view) {
  if (view.encoding) {
    at::Tensor values = at::empty(view.shape, at::kFloat);
    io::decode(view, {values.data_ptr<float>(), static_cast<size_t>(values.numel())});
    return values;
  }
  const auto options = at::TensorOptions().dtype(scalar_type(view.dtype));
  auto* data = const_cast<std::byte*>(view.data.data());  // never written: the mapping is read-only
  if (reinterpret_cast<uintptr_t>(data) % alignof(double) != 0) {
    at::Tensor copy = at::empty(view.shape, options);
    std::memcpy(copy.data_ptr(), data, view.data.size());
    return copy;
  }
  const auto keep = [owner = view.owner](void*) mutable { owner.reset(); };
  return at::from_blob(data, view.shape, keep, options);
}

void write_tensors(const std::filesystem::path& path,
                   const std::map<std::string, at::Tensor>& tensors,
                   const std::map<std::string, std::string>& metadata) {
  std::vector<io::TensorBytes> bytes;
  for (const auto& [name, tensor] : tensors)
    bytes.push_back(bytes_of(name, tensor));
  io::write_safetensors(path, bytes, metadata);
}

}  // namespace ssmi::model
