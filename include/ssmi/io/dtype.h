#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ssmi::io {

/// Element types of safetensors that fill whole bytes, under the format's own names. The floats of
/// 4 and 6 bits (F4, F6_E2M3, F6_E3M2) are not read.
enum class Dtype {
  kBool,
  kU8,
  kI8,
  kF8_E4M3,
  kF8_E5M2,
  kF8_E8M0,
  kF8_E4M3FNUZ,
  kF8_E5M2FNUZ,
  kU16,
  kI16,
  kF16,
  kBF16,
  kU32,
  kI32,
  kF32,
  kU64,
  kI64,
  kF64,
  kC64,  ///< complex of two float32
};

/// "F32", as it stands in a file.
std::string_view dtype_name(Dtype dtype);
/// Bytes of one element.
int64_t dtype_size(Dtype dtype);
/// The type of that name; nothing when there is none.
std::optional<Dtype> dtype_from_name(std::string_view name);
/// Every name dtype_from_name() knows: "BOOL, U8, ...".
std::string_view dtype_names();

}  // namespace ssmi::io
