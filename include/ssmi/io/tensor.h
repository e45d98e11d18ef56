#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ssmi/io/dtype.h"

namespace ssmi::io {

struct BlockFormat;

/// How a tensor's bytes stand for its values where they are not simply those of `dtype`.
struct Encoding {
  const BlockFormat* format = nullptr;  ///< of each row
  /// If not 0, the rows are those of so many heads, each with the rows of its two halves in turn.
  int64_t interleaved_heads = 0;
  bool operator==(const Encoding&) const = default;
};

/// A tensor as it lies in a mapped file: row-major, little endian. The data need not be aligned to
/// its elements; they live as long as a view of them does.
struct TensorView {
  Dtype dtype{};  ///< of the values
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
  std::shared_ptr<const void> owner;      ///< of the data: the mapped file, or a copy
  std::optional<Encoding> encoding = {};  ///< has to be decoded, into float32
};

using TensorMap = std::map<std::string, TensorView>;

/// How the tensor is stored: "F32", "Q4_1".
std::string_view stored_type(const TensorView& view);

/// The values of a tensor that has an encoding, as many as its shape says.
void decode(const TensorView& view, std::span<float> values);

}  // namespace ssmi::io
