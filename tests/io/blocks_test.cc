#include "io/blocks.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "io/raw_gguf.h"
#include "support.h"

namespace ssmi::io {
namespace {

using test::gguf::raw;

constexpr uint16_t kOne = 0x3C00, kHalf = 0x3800, kMinusTwo = 0xC000;  // float16

std::vector<float> decoded(uint32_t id, const std::string& bytes) {
  const BlockFormat& format = *find_block_format(id);
  std::vector<float> values(bytes.size() / static_cast<size_t>(format.bytes) *
                            static_cast<size_t>(format.values));
  decode_blocks(format, std::as_bytes(std::span(bytes)), values);
  return values;
}

/// 16 bytes whose low halves count up from 0 and whose high halves count down from 15.
std::string counting() {
  std::string bytes;
  for (int i = 0; i < 16; ++i)
    bytes += static_cast<char>(i | (15 - i) << 4);
  return bytes;
}

/// The numbers of counting(), with 16 added to the even ones where `fifth` bits are set.
std::vector<float> expected(float zero, float step, float least, bool fifth) {
  std::vector<float> values;
  for (int i = 0; i < 32; ++i) {
    const int number = (i < 16 ? i : 31 - i) + (fifth && i % 2 == 0 ? 16 : 0);
    values.push_back((static_cast<float>(number) - zero) * step + least);
  }
  return values;
}

TEST_CASE("blocks: four bits around a zero of 8, and above the least value") {
  CHECK(decoded(2, raw(kHalf) + counting()) == expected(8, 0.5F, 0, false));
  CHECK(decoded(3, raw(kHalf) + raw(kMinusTwo) + counting()) == expected(0, 0.5F, -2, false));
}

TEST_CASE("blocks: the fifth bit of value i is bit i of a word") {
  const std::string even = raw(uint32_t{0x55555555});
  CHECK(decoded(6, raw(kHalf) + even + counting()) == expected(16, 0.5F, 0, true));
  CHECK(decoded(7, raw(kHalf) + raw(kMinusTwo) + even + counting()) == expected(0, 0.5F, -2, true));
  std::string last = raw(kOne) + raw(uint32_t{1} << 31) + std::string(16, '\0');
  CHECK(decoded(6, last)[31] == 0);
  CHECK(decoded(6, last)[0] == -16);
}

TEST_CASE("blocks: eight bits are signed; each block has its own step") {
  std::string bytes = raw(kHalf);
  for (int i = 0; i < 32; ++i)
    bytes += static_cast<char>(i * 8 - 128);
  const auto values = decoded(8, bytes + raw(kMinusTwo) + std::string(32, '\x7F'));
  REQUIRE(values.size() == 64);
  CHECK(values[0] == -64);
  CHECK(values[16] == 0);
  CHECK(values[31] == 60);
  CHECK(values[32] == -254);
  CHECK(values[63] == -254);
}

TEST_CASE("blocks: floats of 32 bits, of 16, and their upper halves") {
  CHECK(decoded(0, raw(1.5F) + raw(-0.25F)) == std::vector<float>{1.5F, -0.25F});
  CHECK(decoded(1, raw(kOne) + raw(kMinusTwo)) == std::vector<float>{1, -2});
  CHECK(decoded(30, raw(uint16_t{0x3FC0}) + raw(uint16_t{0xBE80})) ==
        std::vector<float>{1.5F, -0.25F});
}

TEST_CASE("blocks: every float16 has the value of its bits") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    CAPTURE(bits);
    const float value = decoded(1, raw(static_cast<uint16_t>(bits)))[0];
    const int exponent = static_cast<int>(bits >> 10 & 0x1F);
    const auto fraction = static_cast<double>(bits & 0x3FF) / 1024;
    REQUIRE(std::signbit(value) == (bits >> 15 != 0));
    if (exponent == 31) {
      REQUIRE((fraction > 0 ? std::isnan(value) : std::isinf(value)));
      continue;
    }
    const double magnitude =
        exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15);
    REQUIRE(static_cast<double>(std::abs(value)) == magnitude);
  }
}

TEST_CASE("blocks: what is not read has a name, what is nothing has none") {
  CHECK(find_block_format(12) == nullptr);
  CHECK(unread_format_name(12) == "Q4_K");
  CHECK(unread_format_name(99).empty());
  CHECK(block_format_names() == "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0");
}

TEST_CASE("blocks: bytes that are no whole blocks are a fault of the caller") {
  std::vector<float> values(32);
  const std::string bytes(33, '\0');
  test::check_fails(ExitCode::kBug, "33 bytes of Q8_0", [&] {
    decode_blocks(*find_block_format(8), std::as_bytes(std::span(bytes)), values);
  });
}

}  // namespace
}  // namespace ssmi::io
