#include "ssmi/model/tensor.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstring>

namespace ssmi::model {

at::ScalarType scalar_type(io::Dtype dtype) {
  switch (dtype) {
    case io::Dtype::kBool:
      return at::kBool;
    case io::Dtype::kU8:
      return at::kByte;
    case io::Dtype::kI8:
      return at::kChar;
    case io::Dtype::kF8_E4M3:
      return at::kFloat8_e4m3fn;
    case io::Dtype::kF8_E5M2:
      return at::kFloat8_e5m2;
    case io::Dtype::kF8_E8M0:
      return at::kFloat8_e8m0fnu;
    case io::Dtype::kF8_E4M3FNUZ:
      return at::kFloat8_e4m3fnuz;
    case io::Dtype::kF8_E5M2FNUZ:
      return at::kFloat8_e5m2fnuz;
    case io::Dtype::kU16:
      return at::kUInt16;
    case io::Dtype::kI16:
      return at::kShort;
    case io::Dtype::kF16:
      return at::kHalf;
    case io::Dtype::kBF16:
      return at::kBFloat16;
    case io::Dtype::kU32:
      return at::kUInt32;
    case io::Dtype::kI32:
      return at::kInt;
    case io::Dtype::kF32:
      return at::kFloat;
    case io::Dtype::kU64:
      return at::kUInt64;
    case io::Dtype::kI64:
      return at::kLong;
    case io::Dtype::kF64:
      return at::kDouble;
    case io::Dtype::kC64:
      return at::kComplexFloat;
  }
  return at::kFloat;
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

}  // namespace ssmi::model
