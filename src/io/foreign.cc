#include "foreign.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "conversion.h"
#include "ssmi/core/error.h"

namespace ssmi::io {
namespace {

using Bytes = std::span<const std::byte>;

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The first format of llama2.c: seven int32 (dim, hidden, layers, heads, kv_heads, vocabulary,
/// negative for a head of its own, length), then as many float32 as they imply.
bool is_llama2c(Bytes bytes) {
  std::array<int32_t, 7> header{};
  if (bytes.size() < sizeof header) return false;
  std::memcpy(header.data(), bytes.data(), sizeof header);
  const bool own_head = header[5] < 0;
  if (header[5] != INT32_MIN) header[5] = std::abs(header[5]);
  if (std::any_of(header.begin(), header.end(), [](int v) { return v < 1 || v > 1 << 19; })) {
    return false;
  }
  const auto [dim, hidden, layers, heads, kv_heads, vocabulary, length] = std::to_array<int64_t>(
      {header[0], header[1], header[2], header[3], header[4], header[5], header[6]});
  if (layers > 1024 || dim % heads != 0) return false;
  const int64_t head = dim / heads;
  const int64_t layer = 2 * dim + 2 * dim * dim + 2 * dim * head * kv_heads + 3 * dim * hidden;
  const int64_t floats =
      (own_head ? 2 : 1) * vocabulary * dim + layers * layer + dim + length * head;
  return static_cast<int64_t>(bytes.size()) == static_cast<int64_t>(sizeof header) + 4 * floats;
}

/// What the file is, if it is something known that is not read.
std::string_view known_format(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  if (text.starts_with("GGUF")) return "a GGUF file";
  if (text.starts_with("\x89HDF")) return "an HDF5 file (TensorFlow or Keras weights)";
  if (text.starts_with("\x93NUMPY")) return "a NumPy array";
  if (is_llama2c(bytes)) return "a llama2.c model";
  return {};
}

}  // namespace

void refuse_lfs_pointer(Bytes bytes, const std::string& file) {
  if (!as_text(bytes).starts_with("version https://git-lfs.github.com/spec/")) return;
  bad_input("{}: is a Git LFS pointer, not the weights: fetch them with 'git lfs pull'", file);
}

void refuse_foreign(Bytes bytes, const std::string& file) {
  constexpr std::string_view kExpected =
      "expected safetensors, or a state dict saved by torch.save";
  const std::string_view format = known_format(bytes);
  if (!format.empty()) bad_input("{}: is {}, {}", file, format, kExpected);
  if (bytes.size() > 1 && bytes[0] == std::byte{0x80} && bytes[1] <= std::byte{5}) {
    bad_input("{}: is a pickle that torch.save did not write, {}; {}", file, kExpected,
              conversion_of_pickle(file));
  }
  bad_input("{}: is no weight file, {}", file, kExpected);
}

}  // namespace ssmi::io
