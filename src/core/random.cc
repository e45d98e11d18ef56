#include "ssmi/core/random.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <numeric>

namespace ssmi {

Random::Random(uint64_t seed, std::string_view stream) {
  uint64_t name = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : stream)
    name = (name ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  uint64_t x = seed ^ std::rotl(name, 32);
  for (uint64_t& word : state_) {  // splitmix64
    x += 0x9e3779b97f4a7c15;
    uint64_t z = x;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

uint64_t Random::next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint64_t Random::below(uint64_t n) {
  const uint64_t limit = -n % n;  // 2^64 mod n: the values under it would be drawn too often
  uint64_t value = next();
  while (value < limit)
    value = next();
  return value % n;
}

double Random::uniform() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

double Random::normal() {
  const double radius = std::sqrt(-2.0 * std::log1p(-uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

std::vector<size_t> Random::permutation(size_t n) {
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  shuffle(std::span(order));
  return order;
}

std::vector<size_t> Random::sample(size_t n, size_t k) {
  std::vector<size_t> chosen = permutation(n);
  chosen.resize(k);
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace ssmi
