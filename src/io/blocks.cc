#include "blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>

#include "ssmi/core/error.h"

namespace ssmi::io {
namespace {

constexpr int kBlock = 32;  // values of a quantised block

template <typename T>
T read(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

float from_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = half >> 10 & 0x1F, fraction = half & 0x3FF;
  if (exponent == 0) {  // zero or subnormal: a multiple of 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign == 0 ? magnitude : -magnitude;
  }
  const uint32_t wide = exponent == 0x1F ? 0xFF : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

float half_at(const std::byte* at) {
  return from_half(read<uint16_t>(at));
}

void decode_f32(const std::byte* block, float* value) {
  *value = read<float>(block);
}

void decode_f16(const std::byte* block, float* value) {
  *value = half_at(block);
}

void decode_bf16(const std::byte* block, float* value) {
  *value = std::bit_cast<float>(static_cast<uint32_t>(read<uint16_t>(block)) << 16);
}

/// The 4-bit numbers of a block: the low halves of 16 bytes are the first 16 values, the high
/// halves the others.
std::array<int, kBlock> nibbles(const std::byte* at) {
  std::array<int, kBlock> numbers;
  for (int i = 0; i < kBlock / 2; ++i) {
    const int both = std::to_integer<int>(at[i]);
    numbers[i] = both & 0xF;
    numbers[i + kBlock / 2] = both >> 4;
  }
  return numbers;
}

/// The 5-bit numbers of a block: their fifth bits as one word, then the rest as nibbles().
std::array<int, kBlock> five_bits(const std::byte* at) {
  const auto high = read<uint32_t>(at);
  auto numbers = nibbles(at + sizeof high);
  for (int i = 0; i < kBlock; ++i)
    numbers[i] |= static_cast<int>(high >> i & 1) << 4;
  return numbers;
}

void scale(const std::array<int, kBlock>& numbers, int zero, float step, float least,
           float* values) {
  for (int i = 0; i < kBlock; ++i)
    values[i] = static_cast<float>(numbers[i] - zero) * step + least;
}

// The "_0" formats hold a step and numbers around a fixed zero, the "_1" ones a step, the least
// value and numbers above it.
void decode_q4_0(const std::byte* block, float* values) {
  scale(nibbles(block + 2), 8, half_at(block), 0, values);
}

void decode_q4_1(const std::byte* block, float* values) {
  scale(nibbles(block + 4), 0, half_at(block), half_at(block + 2), values);
}

void decode_q5_0(const std::byte* block, float* values) {
  scale(five_bits(block + 2), 16, half_at(block), 0, values);
}

void decode_q5_1(const std::byte* block, float* values) {
  scale(five_bits(block + 4), 0, half_at(block), half_at(block + 2), values);
}

void decode_q8_0(const std::byte* block, float* values) {
  const float step = half_at(block);
  for (int i = 0; i < kBlock; ++i)
    values[i] = static_cast<float>(read<int8_t>(block + 2 + i)) * step;
}

constexpr std::array<BlockFormat, 8> kFormats{{{0, "F32", 1, 4, decode_f32},
                                               {1, "F16", 1, 2, decode_f16},
                                               {30, "BF16", 1, 2, decode_bf16},
                                               {2, "Q4_0", kBlock, 18, decode_q4_0},
                                               {3, "Q4_1", kBlock, 20, decode_q4_1},
                                               {6, "Q5_0", kBlock, 22, decode_q5_0},
                                               {7, "Q5_1", kBlock, 24, decode_q5_1},
                                               {8, "Q8_0", kBlock, 34, decode_q8_0}}};

}  // namespace

const BlockFormat* find_block_format(uint32_t id) {
  const auto* found = std::find_if(kFormats.begin(), kFormats.end(),
                                   [&](const BlockFormat& format) { return format.id == id; });
  return found == kFormats.end() ? nullptr : found;
}

std::string_view unread_format_name(uint32_t id) {
  static const std::map<uint32_t, std::string_view> names{
      {4, "Q4_2"},      {5, "Q4_3"},     {9, "Q8_1"},   {10, "Q2_K"},     {11, "Q3_K"},
      {12, "Q4_K"},     {13, "Q5_K"},    {14, "Q6_K"},  {15, "Q8_K"},     {16, "IQ2_XXS"},
      {17, "IQ2_XS"},   {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"},   {21, "IQ3_S"},
      {22, "IQ2_S"},    {23, "IQ4_XS"},  {24, "I8"},    {25, "I16"},      {26, "I32"},
      {27, "I64"},      {28, "F64"},     {29, "IQ1_M"}, {31, "Q4_0_4_4"}, {32, "Q4_0_4_8"},
      {33, "Q4_0_8_8"}, {34, "TQ1_0"},   {35, "TQ2_0"}, {39, "MXFP4"},    {40, "NVFP4"},
      {41, "Q1_0"}};
  const auto found = names.find(id);
  return found == names.end() ? std::string_view() : found->second;
}

const std::string& block_format_names() {
  static const std::string names = [] {
    std::string joined;
    for (const BlockFormat& format : kFormats)
      joined += fmt::format("{}{}", joined.empty() ? "" : ", ", format.name);
    return joined;
  }();
  return names;
}

void decode_blocks(const BlockFormat& format, std::span<const std::byte> blocks,
                   std::span<float> values) {
  const auto count = blocks.size() / static_cast<size_t>(format.bytes);
  if (blocks.size() % static_cast<size_t>(format.bytes) != 0 ||
      values.size() != count * static_cast<size_t>(format.values)) {
    fail(ExitCode::kBug, "{} bytes of {} are not {} values", blocks.size(), format.name,
         values.size());
  }
  for (size_t i = 0; i < count; ++i) {
    format.decode(blocks.data() + i * static_cast<size_t>(format.bytes),
                  values.data() + i * static_cast<size_t>(format.values));
  }
}

}  // namespace ssmi::io
