#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>

namespace ssmi {

/// a + b, or nothing on overflow.
template <std::integral T>
std::optional<T> checked_add(T a, T b) {
  T result;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

/// a * b, or nothing on overflow.
template <std::integral T>
std::optional<T> checked_mul(T a, T b) {
  T result;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

/// Number of elements of a shape (1 for a scalar); nothing on overflow or a negative extent.
inline std::optional<int64_t> checked_numel(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    const auto product = checked_mul(count, extent);
    if (!product) return std::nullopt;
    count = *product;
  }
  return count;
}

}  // namespace ssmi
