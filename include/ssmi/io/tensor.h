#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ssmi/io/dtype.h"

namespace ssmi::io {

/// A tensor as it lies in a mapped file: row-major, little endian. The data need not be aligned to
/// its elements; they live as long as a view of them does.
struct TensorView {
  Dtype dtype{};
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
  std::shared_ptr<const void> owner;  ///< of the data: the mapped file, or a copy
};

using TensorMap = std::map<std::string, TensorView>;

}  // namespace ssmi::io
