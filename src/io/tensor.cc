#include "ssmi/io/tensor.h"

#include "blocks.h"

namespace ssmi::io {

std::string_view stored_type(const TensorView& view) {
  return view.encoding ? view.encoding->format->name : dtype_name(view.dtype);
}

void decode(const TensorView& view, std::span<float> values) {
  const Encoding& encoding = *view.encoding;
  if (encoding.interleaved_heads == 0) return decode_blocks(*encoding.format, view.data, values);
  const auto rows = static_cast<size_t>(view.shape.front());
  const size_t half = rows / static_cast<size_t>(encoding.interleaved_heads) / 2;
  const size_t bytes = view.data.size() / rows, width = values.size() / rows;
  for (size_t row = 0; row < rows; ++row) {
    const size_t head = row / (2 * half), second = row / half % 2;
    const size_t stored = head * 2 * half + 2 * (row % half) + second;
    decode_blocks(*encoding.format, view.data.subspan(stored * bytes, bytes),
                  values.subspan(row * width, width));
  }
}

}  // namespace ssmi::io
