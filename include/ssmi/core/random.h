#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace ssmi {

/// A named stream of one seed: xoshiro256** (Blackman and Vigna 2018), its state filled by
/// splitmix64 from the seed and the name. The same on every machine and compiler.
class Random {
 public:
  Random(uint64_t seed, std::string_view stream);

  uint64_t next();
  /// Uniform in [0, n), without bias; n > 0.
  uint64_t below(uint64_t n);
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  /// Standard normal (Box and Muller).
  double normal();

  /// Fisher-Yates.
  template <typename T>
  void shuffle(std::span<T> items) {
    for (size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[below(i)]);
  }
  /// 0 to n - 1, shuffled.
  std::vector<size_t> permutation(size_t n);
  /// The first k of them, k <= n, in rising order.
  std::vector<size_t> sample(size_t n, size_t k);

 private:
  std::array<uint64_t, 4> state_;
};

}  // namespace ssmi
